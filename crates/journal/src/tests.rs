//! Tests of the writer and of its thread, on files in memory and on a real folder.

use std::collections::BTreeMap;
use std::fs::{create_dir_all, read, remove_dir_all};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::files::{Folder, segment_name};
use crate::scripted::{Act, Scripted};
use crate::thread::{QUEUE_BYTES, Threaded};
use crate::writer::{JournalError, Policy, Resume, SEAL_FRAME, SEGMENT_FRAME, Spec, Writer};

const RUN: [u8; 32] = [7; 32];
const GROUP: Policy = Policy::Group { records: 3, milliseconds: 60_000 };

fn spec(policy: Policy, segment_bytes: u64) -> Spec {
    Spec { run_id: RUN, segment_bytes, policy, resume: None }
}

/// A STEP frame without its CRC, as the engine's builder hands it over.
fn step(seq: u64) -> Vec<u8> {
    let mut body = vec![3];
    body.extend((0..20).flat_map(|_| seq.to_le_bytes()));
    [&(body.len() as u32).to_le_bytes()[..], &body, &[0; 4]].concat()
}

/// The blocks that every test writes: the first seq, how many steps, and whether the block ends.
const STORY: [(u64, u64, bool); 7] =
    [(0, 1, false), (1, 2, true), (3, 1, true), (4, 3, false), (7, 1, false), (8, 1, true), (9, 1, false)];

fn batch((first, count, _): (u64, u64, bool)) -> (Vec<u8>, u64) {
    ((first..first + count).flat_map(step).collect(), first + count - 1)
}

fn write_story(files: Scripted, policy: Policy, acknowledged: &mut u64) -> Result<(), JournalError> {
    let mut writer = Writer::new(files, spec(policy, 500))?;
    for part in STORY {
        let (mut frames, last_seq) = batch(part);
        writer.append(&mut frames, last_seq, part.2)?;
        if policy == Policy::Always {
            writer.sync()?;
        }
        *acknowledged = writer.durable_seq();
    }
    writer.close()
}

fn whole_story() -> BTreeMap<String, Vec<u8>> {
    let files = Scripted::working();
    write_story(files.clone(), Policy::Os, &mut 0).unwrap();
    let disk = files.disk();
    disk.files.clone()
}

/// The frames of a segment as kind and body; panics at one whose CRC does not fit.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let size = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        let body = &bytes[4..4 + size];
        assert_eq!(bytes[4 + size..8 + size], crc32fast::hash(body).to_le_bytes());
        all.push((body[0], body[1..].to_vec()));
        bytes = &bytes[8 + size..];
    }
    all
}

fn kinds(bytes: &[u8]) -> Vec<u8> {
    frames(bytes).into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn a_journal_is_segments_of_blocks_that_seals_end() {
    let disk = whole_story();
    let written: Vec<Vec<u8>> = disk.values().map(|bytes| kinds(bytes)).collect();
    assert_eq!(disk.keys().collect::<Vec<_>>(), ["000001.ctj", "000002.ctj", "000003.ctj"]);
    assert_eq!(written, [vec![1, 3, 3, 3, 5], vec![1, 3, 5, 3, 3, 3, 3, 3, 5], vec![1, 3]]);
}

#[test]
fn the_segment_that_a_seal_filled_is_followed_by_one_only_when_something_follows() {
    let files = Scripted::working();
    let mut writer = Writer::new(files.clone(), spec(Policy::Os, 100)).unwrap();
    writer.append(&mut step(0), 0, true).unwrap();
    assert_eq!(files.disk().files.len(), 1);
    writer.append(&mut step(1), 1, false).unwrap();
    assert_eq!(files.disk().files.len(), 2);
}

#[test]
fn the_chain_runs_over_the_frames_of_each_block_from_the_run_id() {
    let files = Scripted::working();
    let mut writer = Writer::new(files.clone(), spec(Policy::Os, 1 << 20)).unwrap();
    let mut head = RUN;
    for (frames, last_seq) in [batch((0, 2, true)), batch((2, 1, true))] {
        writer.append(&mut frames.clone(), last_seq, true).unwrap();
        let mut filled = frames;
        crate::writer::fill_crcs(&mut filled);
        head = Sha256::new().chain_update(head).chain_update(filled).finalize().into();
        assert_eq!(writer.position().head, head);
    }
    let disk = files.disk();
    let sealed = frames(&disk.files["000001.ctj"]).pop().unwrap();
    assert_eq!(sealed, (5, [&2_u64.to_le_bytes()[..], &head].concat()));
    assert_eq!(disk.files["000001.ctj"].len() as u64, writer.position().offset);
}

#[test]
fn a_segment_opens_with_magic_format_number_run_and_head() {
    let disk = whole_story();
    let opening = |name: &str| frames(&disk[name])[0].1.clone();
    let sealed = frames(&disk["000001.ctj"]).pop().unwrap().1;
    let expected =
        |number: u32, head: &[u8]| [b"CTJOURNL", &1_u16.to_le_bytes()[..], &number.to_le_bytes(), &RUN, head].concat();
    assert_eq!(opening("000001.ctj"), expected(1, &RUN));
    assert_eq!(opening("000002.ctj"), expected(2, &sealed[8..]));
    assert_eq!((SEGMENT_FRAME, SEAL_FRAME), (87, 49));
}

#[test]
fn every_policy_writes_the_same_bytes() {
    let expected = whole_story();
    for policy in [GROUP, Policy::Always] {
        let files = Scripted::working();
        write_story(files.clone(), policy, &mut 0).unwrap();
        assert_eq!(files.disk().files, expected);
        assert_eq!(files.disk().durable, expected);
    }
}

#[test]
fn short_writes_and_interrupts_go_on() {
    let expected = whole_story();
    for policy in [Policy::Os, GROUP, Policy::Always] {
        for act in [Act::Short, Act::Interrupt] {
            let files = Scripted::new(move |call| if call % 2 == 0 { act } else { Act::Work });
            write_story(files.clone(), policy, &mut 0).unwrap();
            assert_eq!(files.disk().files, expected, "{policy:?} {act:?}");
        }
    }
}

#[test]
fn an_error_at_any_call_ends_the_journal_and_nothing_is_acknowledged_that_a_power_cut_takes() {
    for policy in [Policy::Os, GROUP, Policy::Always] {
        let whole = Scripted::working();
        write_story(whole.clone(), policy, &mut 0).unwrap();
        let count = whole.disk().calls.len();
        for broken in 0..count {
            let files = Scripted::new(move |call| if call == broken { Act::Fail } else { Act::Work });
            let mut acknowledged = 0;
            let failed = write_story(files.clone(), policy, &mut acknowledged).unwrap_err();
            assert!(failed.to_string().contains("No space left"), "{failed}");
            let disk = files.disk();
            let after = &disk.calls[broken + 1..];
            assert!(after.iter().all(|call| *call == "close"), "after the error only closing: {after:?}");
            if policy != Policy::Os && acknowledged > 0 {
                let kept: Vec<_> = disk.durable.values().flat_map(|bytes| frames(bytes)).collect();
                let named = acknowledged.to_le_bytes();
                assert!(kept.iter().any(|(kind, body)| *kind == 3 && body[..8] == named), "{acknowledged} is lost");
            }
        }
    }
}

#[test]
fn an_error_stays() {
    let files = Scripted::new(|call| if call == 2 { Act::Fail } else { Act::Work });
    let mut writer = Writer::new(files.clone(), spec(Policy::Os, 500)).unwrap();
    let first = writer.append(&mut step(0), 0, false).unwrap_err().to_string();
    assert_eq!(first, "cannot write 000001.ctj: No space left on device (os error 28)");
    assert_eq!(writer.append(&mut step(1), 1, false).unwrap_err().to_string(), first);
    assert_eq!(writer.sync().unwrap_err().to_string(), first);
    assert_eq!(writer.close().unwrap_err().to_string(), first);
    assert_eq!(files.disk().calls.len(), 3);
}

#[test]
fn a_group_is_synced_by_its_count() {
    let files = Scripted::working();
    let mut writer = Writer::new(files.clone(), spec(GROUP, 1 << 20)).unwrap();
    let opened = files.disk().calls.len();
    for seq in 0..7 {
        writer.append(&mut step(seq), seq, false).unwrap();
        assert_eq!(writer.durable_seq(), [0, 0, 2, 2, 2, 5, 5][seq as usize]);
    }
    let disk = files.disk();
    assert_eq!(disk.calls[opened..].iter().filter(|call| **call == "sync").count(), 2);
}

#[test]
fn under_os_nothing_is_ever_synced_and_ended_segments_are_closed() {
    let files = Scripted::working();
    let mut writer = Writer::new(files.clone(), spec(Policy::Os, 100)).unwrap();
    for seq in 0..30 {
        writer.append(&mut step(seq), seq, true).unwrap();
        writer.sync().unwrap();
        assert_eq!(writer.durable_seq(), seq);
    }
    writer.close().unwrap();
    let disk = files.disk();
    assert_eq!((disk.files.len(), disk.durable.len()), (30, 0));
    assert!(!disk.calls.iter().any(|call| call.starts_with("sync")));
    assert_eq!(disk.calls.iter().filter(|call| **call == "close").count(), 30);
}

#[test]
fn a_journal_that_goes_on_from_any_frame_has_the_bytes_of_one_that_was_never_interrupted() {
    let expected = whole_story();
    for cut in 0..=STORY.len() {
        let files = Scripted::working();
        let mut writer = Writer::new(files.clone(), spec(Policy::Os, 500)).unwrap();
        let mut open_frames = Vec::new();
        for part in &STORY[..cut] {
            let (mut frames, last_seq) = batch(*part);
            let mut filled = frames.clone();
            crate::writer::fill_crcs(&mut filled);
            open_frames.append(&mut filled);
            writer.append(&mut frames, last_seq, part.2).unwrap();
            if part.2 {
                open_frames.clear();
            }
        }
        let at = writer.position();
        drop(writer);
        let name = segment_name(at.segment);
        files.disk().files.get_mut(&name).unwrap().extend(b"torn");
        let resume = Resume { segment: at.segment, size: at.offset, head: at.head, open_frames, last_seq: at.last_seq };
        let goes_on = Spec { resume: Some(resume), ..spec(GROUP, 500) };
        let mut writer = Writer::new(files.clone(), goes_on).unwrap();
        for part in &STORY[cut..] {
            let (mut frames, last_seq) = batch(*part);
            writer.append(&mut frames, last_seq, part.2).unwrap();
        }
        writer.close().unwrap();
        assert_eq!(files.disk().files, expected, "cut after {cut}");
    }
}

#[test]
fn a_seal_on_an_empty_block_is_none() {
    let files = Scripted::working();
    let mut writer = Writer::new(files.clone(), spec(Policy::Os, 500)).unwrap();
    writer.append(&mut step(0), 0, true).unwrap();
    writer.append(&mut Vec::new(), 0, true).unwrap();
    assert_eq!(kinds(&files.disk().files["000001.ctj"]), [1, 3, 5]);
}

// The thread

fn run_thread(files: Scripted, policy: Policy) -> Result<(), JournalError> {
    let mut writer = Threaded::new(files, spec(policy, 500))?;
    for part in STORY {
        let (mut frames, last_seq) = batch(part);
        writer.append(&mut frames, last_seq, part.2)?;
        assert!(frames.is_empty());
    }
    writer.sync()?;
    assert_eq!(writer.durable_seq(), 9);
    writer.close()
}

#[test]
fn the_thread_writes_the_same_bytes() {
    for policy in [Policy::Os, GROUP, Policy::Always] {
        let files = Scripted::working();
        run_thread(files.clone(), policy).unwrap();
        assert_eq!(files.disk().files, whole_story());
    }
}

#[test]
fn an_error_on_the_thread_reaches_the_engine_and_stays() {
    // How many writes the batches become depends on how far the thread fell behind; the calls that open the journal do not.
    for broken in 0..5 {
        let files = Scripted::new(move |call| if call == broken { Act::Fail } else { Act::Work });
        assert!(run_thread(files, Policy::Always).is_err(), "call {broken}");
    }
    let files = Scripted::new(|call| if call >= 2 { Act::Fail } else { Act::Work });
    let mut writer = Threaded::new(files, spec(Policy::Os, 500)).unwrap();
    let _ = writer.append(&mut step(0), 0, false);
    let first = writer.sync().unwrap_err().to_string();
    assert_eq!(first, "cannot write 000001.ctj: No space left on device (os error 28)");
    assert_eq!(writer.append(&mut step(1), 1, false).unwrap_err().to_string(), first);
    assert_eq!(writer.close().unwrap_err().to_string(), first);
    assert_eq!(writer.close().unwrap_err().to_string(), first);
    assert_eq!(writer.durable_seq(), 0);
}

#[test]
fn a_panic_on_the_thread_reaches_the_engine() {
    let files = Scripted::new(|call| if call == 2 { Act::Panic } else { Act::Work });
    let mut writer = Threaded::new(files, spec(Policy::Os, 500)).unwrap();
    let _ = writer.append(&mut step(0), 0, false);
    assert!(writer.sync().unwrap_err().to_string().contains("panicked"));
    assert!(writer.close().is_err());
}

#[test]
fn a_writer_that_is_dropped_writes_what_was_appended() {
    let files = Scripted::working();
    let mut writer = Threaded::new(files.clone(), spec(Policy::Os, 500)).unwrap();
    for part in STORY {
        let (mut frames, last_seq) = batch(part);
        writer.append(&mut frames, last_seq, part.2).unwrap();
    }
    drop(writer);
    assert_eq!(files.disk().files, whole_story());
}

#[test]
fn a_group_is_synced_by_its_time_when_nothing_more_comes() {
    let files = Scripted::working();
    let policy = Policy::Group { records: 1000, milliseconds: 5 };
    let mut writer = Threaded::new(files, spec(policy, 500)).unwrap();
    writer.append(&mut step(0), 0, false).unwrap();
    writer.append(&mut step(1), 1, false).unwrap();
    let mut waited = 0;
    while writer.durable_seq() < 1 && waited < 2_000 {
        sleep(Duration::from_millis(1));
        waited += 1;
    }
    assert_eq!(writer.durable_seq(), 1);
}

#[test]
fn a_full_queue_holds_the_engine_back_until_there_is_room() {
    let stuck = Arc::new(AtomicBool::new(true));
    let hold = Arc::clone(&stuck);
    let files = Scripted::new(move |call| {
        while call > 2 && hold.load(Ordering::Acquire) {
            sleep(Duration::from_millis(1));
        }
        Act::Work
    });
    let mut writer = Threaded::new(files, spec(Policy::Os, 1 << 30)).unwrap();
    let large: Vec<u8> = (0..QUEUE_BYTES as u64 / 1_000).flat_map(step).collect();
    let mut taken = 0;
    while writer.try_append(&mut large.clone(), taken, true).unwrap() {
        taken += 1;
        assert!(taken < 100, "the queue has no end");
    }
    assert!(taken >= 3, "only {taken} were taken");
    let free = spawn(move || {
        sleep(Duration::from_millis(20));
        stuck.store(false, Ordering::Release);
    });
    writer.append(&mut large.clone(), taken, true).unwrap();
    free.join().unwrap();
    writer.close().unwrap();
}

#[test]
fn a_batch_larger_than_the_queue_goes_in_alone() {
    let files = Scripted::working();
    let mut writer = Threaded::new(files.clone(), spec(Policy::Os, 1 << 30)).unwrap();
    let mut large: Vec<u8> = (0..QUEUE_BYTES as u64 / 100).flat_map(step).collect();
    let size = large.len();
    assert!(size > QUEUE_BYTES);
    writer.append(&mut large, 0, true).unwrap();
    writer.append(&mut step(1), 1, false).unwrap();
    writer.close().unwrap();
    assert_eq!(files.disk().files["000001.ctj"].len(), SEGMENT_FRAME + size + SEAL_FRAME + step(1).len());
}

// A real folder

struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cracktrader-journal-{}-{name}", std::process::id()));
        create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = remove_dir_all(&self.0);
    }
}

#[test]
fn a_real_folder_gets_the_same_bytes_and_goes_on() {
    let folder = Temporary::new("story");
    let mut writer = Threaded::new(Folder::new(&folder.0), spec(Policy::Always, 500)).unwrap();
    for part in &STORY[..4] {
        let (mut frames, last_seq) = batch(*part);
        writer.append(&mut frames, last_seq, part.2).unwrap();
    }
    let at = writer.sync().unwrap();
    writer.close().unwrap();
    let (mut open_frames, _) = batch(STORY[3]);
    crate::writer::fill_crcs(&mut open_frames);
    let resume = Resume { segment: at.segment, size: at.offset, head: at.head, open_frames, last_seq: at.last_seq };
    let goes_on = Spec { resume: Some(resume), ..spec(GROUP, 500) };
    let mut writer = Threaded::new(Folder::new(&folder.0), goes_on).unwrap();
    for part in &STORY[4..] {
        let (mut frames, last_seq) = batch(*part);
        writer.append(&mut frames, last_seq, part.2).unwrap();
    }
    writer.close().unwrap();
    for (name, bytes) in whole_story() {
        assert_eq!(read(folder.0.join(name)).unwrap(), bytes);
    }
}

#[test]
fn a_segment_that_is_there_is_not_overwritten_and_one_that_is_too_short_not_resumed() {
    let folder = Temporary::new("there");
    Writer::new(Folder::new(&folder.0), spec(Policy::Os, 500)).unwrap();
    let failed = Writer::new(Folder::new(&folder.0), spec(Policy::Os, 500)).unwrap_err();
    assert!(failed.to_string().starts_with("cannot create 000001.ctj: File exists"), "{failed}");
    let resume = Resume { segment: 1, size: 1_000, head: RUN, open_frames: Vec::new(), last_seq: 0 };
    let failed = Writer::new(Folder::new(&folder.0), Spec { resume: Some(resume), ..spec(Policy::Os, 500) });
    let said = failed.unwrap_err().to_string();
    assert_eq!(said, "cannot reopen 000001.ctj: it has 87 bytes, 1000 are to be kept");
}
