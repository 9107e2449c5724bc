/* Kills its process at the n-th call that touches a file, or in the middle of it: loaded before libc (LD_PRELOAD), so that both cores and
 * Python meet it. `kill_at` says when; until then, and in processes that never ask, every call goes through and is counted.
 * Deliberately not here: any decision about when. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static long calls, last;
static int halves, spared = -1;

/* From now on: before call number n (0: never), of a write after half of it; calls on the descriptor `fd` are not counted. */
void kill_at(long n, int half, int fd) { calls = 0, last = n, halves = half, spared = fd; }
long kill_calls(void) { return calls; }

static int is_time(void) { return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == last; }
static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = REAL(write);
    if (fd != spared && is_time()) {
        if (halves) real(fd, data, size / 2);
        die();
    }
    return real(fd, data, size);
}

#define WRAP(type, name, declared, given) \
    type name declared { \
        static type (*real) declared; \
        if (!real) real = REAL(name); \
        if (is_time()) die(); \
        return real given; \
    }
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, ftruncate, (int fd, off_t size), (fd, size))
WRAP(int, ftruncate64, (int fd, off64_t size), (fd, size))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        static int (*real)(const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        if (!real) real = REAL(name); \
        if ((flags & O_ACCMODE) != O_RDONLY && is_time()) die(); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
