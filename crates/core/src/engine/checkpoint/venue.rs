//! A simulated venue in a checkpoint: its lanes with their orders and groups, its account, and what is under way to it.

use std::collections::BTreeSet;

use super::tables::{mapping, read_mapping, rising};
use crate::codec::{Canonical, CodecError, Reader, pack};
use crate::event::times_of;
use crate::matching::{Command, Lane, SimulatedVenue};
use crate::units::{OrderOrdinal, Time};

/// Counters, lanes, books, commands under way and deadlines.
pub fn save_venue(venue: &SimulatedVenue, to: &mut Vec<u8>) {
    let (desk, books) = (&venue.desk, &venue.desk.clearing);
    debug_assert!(desk.reports.is_empty(), "reports are taken in the moment that makes them");
    pack!(to; desk.last_key, venue.last_place, desk.last_report, desk.latency_draws, desk.touch_draws);
    pack!(to; venue.schedule.next as u32, venue.ended());
    own_lanes(venue).for_each(|lane| save_lane(lane, to));
    mapping(to, &books.positions);
    mapping(to, &books.ledgers);
    mapping(to, &books.traded);
    venue.commands.write(to);
    venue.deadlines().write(to);
}

/// The lanes of the venue's own instruments.
fn own_lanes(venue: &SimulatedVenue) -> impl Iterator<Item = &Lane> {
    let declared = &venue.desk.config.instruments;
    venue.desk.lanes.iter().filter(|lane| declared[lane.instrument.at()].venue == venue.index())
}

fn save_lane(lane: &Lane, to: &mut Vec<u8>) {
    pack!(to; lane.row as u64, lane.inside, lane.waking, lane.settled, lane.used_buying, lane.used_selling);
    lane.orders.write(to);
    mapping(to, &lane.groups.parents);
    mapping(to, &lane.groups.legs);
    lane.groups.gone.write(to);
}

/// The venue with the same rows, sessions and schedules as the attached one.
pub fn read_venue(reader: &mut Reader<'_>, attached: &SimulatedVenue) -> Result<SimulatedVenue, CodecError> {
    let mut venue = attached.clone();
    let desk = &mut venue.desk;
    (desk.last_key, venue.last_place, desk.last_report) = (reader.field()?, reader.field()?, reader.field()?);
    (desk.latency_draws, desk.touch_draws) = (reader.field()?, reader.field()?);
    let (happened, rows) = (reader.field::<u32>()? as usize, venue.schedule.len());
    let ended = reader.field()?;
    if happened > rows {
        return Err(reader.unfit(format_args!("{happened} rows of a schedule of {rows} have happened")));
    }
    venue.schedule.next = happened;
    let mut orders = BTreeSet::new();
    let (own, config) = (venue.index(), std::sync::Arc::clone(&venue.desk.config));
    for lane in venue.desk.lanes.iter_mut().filter(|lane| config.instruments[lane.instrument.at()].venue == own) {
        read_lane(reader, lane, &mut orders)?;
        if lane.orders.last().is_some_and(|order| order.place > venue.last_place) {
            return Err(reader.unfit("an order has a place above the last one"));
        }
    }
    read_books(reader, &mut venue)?;
    venue.commands = reader.field()?;
    let known = |command: &Command| {
        let declared = config.instruments.get(command.instrument.at());
        declared.is_some_and(|declared| declared.venue == own)
    };
    let in_order = venue.commands.iter().is_sorted_by_key(|(time, _)| *time);
    if !in_order || !venue.commands.iter().all(|(_, command)| known(command)) {
        return Err(reader.unfit("a command is not one of the venue in its place"));
    }
    let deadlines: Vec<(Time, OrderOrdinal)> = rising(reader)?;
    if !venue.stand(&deadlines, ended) {
        return Err(reader.unfit("a deadline is of no order of the venue"));
    }
    Ok(venue)
}

fn read_books(reader: &mut Reader<'_>, venue: &mut SimulatedVenue) -> Result<(), CodecError> {
    let (instruments, currencies) = (venue.desk.config.instruments.len(), venue.desk.config.currencies.len());
    let clearing = &mut venue.desk.clearing;
    clearing.positions = read_mapping(reader)?;
    clearing.ledgers = read_mapping(reader)?;
    clearing.traded = read_mapping(reader)?;
    let mut held = clearing.positions.keys().chain(clearing.traded.keys());
    if held.any(|one| one.at() >= instruments) || clearing.ledgers.keys().any(|one| one.at() >= currencies) {
        return Err(reader.unfit("what the venue's account holds is not declared"));
    }
    Ok(())
}

/// The orders of the lane are added to those of the venue.
fn read_lane(reader: &mut Reader<'_>, lane: &mut Lane, orders: &mut BTreeSet<OrderOrdinal>) -> Result<(), CodecError> {
    lane.row = reader.field::<u64>()? as usize;
    (lane.inside, lane.waking, lane.settled) = (reader.field()?, reader.field()?, reader.field()?);
    (lane.used_buying, lane.used_selling) = (reader.field()?, reader.field()?);
    let (row, rows) = (lane.row, lane.rows.as_ref().map_or(0, |rows| times_of(rows).len()));
    let number = lane.instrument.0;
    if row > rows || (lane.inside && !(lane.has_bars() && row < rows)) {
        return Err(reader.unfit(format_args!("instrument {number} stands at row {row} of {rows}")));
    }
    lane.orders = reader.field()?;
    lane.groups.parents = read_mapping(reader)?;
    lane.groups.legs = read_mapping(reader)?;
    lane.groups.gone = reader.field()?;
    let mut place = 0;
    for order in &lane.orders {
        let groups = &lane.groups;
        let has_parent = order.parent.0 == 0 || groups.parents.contains_key(&order.parent);
        let has_legs = order.oco.0 == 0 || groups.legs.contains_key(&order.oco);
        let is_new = order.place > place && orders.insert(order.order);
        if order.instrument != lane.instrument || !is_new || !has_parent || !has_legs {
            let order = order.order.0;
            return Err(reader.unfit(format_args!("the order {order} does not work on instrument {number}")));
        }
        place = order.place;
    }
    Ok(())
}
