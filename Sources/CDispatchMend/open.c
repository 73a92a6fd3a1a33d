// Keeps the process alive when libdispatch cannot look at its own threads (docs/decisions/0032-what-runs-out.md).
//
// Once a second, while work waits for a thread of its pool, libdispatch opens /proc/TID/stat of every thread of that pool
// (_dispatch_workq_count_runnable_workers in src/event/workqueue.c). It takes any failure for a thread that is gone, and
// ends the process with an illegal instruction. Without a descriptor left, every open fails.
//
// The program's definition of `open` is the one that all its libraries use. It is the C library's, except that a failure to open such
// a file is not told as -1. The number given is no descriptor: read and close refuse it, which libdispatch takes for a thread whose
// state is unknown, and the next look is a second later.

#if defined(__linux__)

// With it, fcntl.h would define `open` itself.
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "dispatch_mend.h"

enum { no_descriptor = -2 };

static int is_state_of_thread(const char *path) {
    static const char folder[] = "/proc/";
    if (strncmp(path, folder, sizeof(folder) - 1) != 0) return 0;
    const char *number = path + sizeof(folder) - 1;
    size_t digits = strspn(number, "0123456789");
    return digits > 0 && strcmp(number + digits, "/stat") == 0;
}

__attribute__((used, visibility("default"))) int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    int descriptor = openat(AT_FDCWD, path, flags, mode);
    // EFAULT: the path cannot be read here either.
    if (descriptor == -1 && errno != EFAULT && is_state_of_thread(path)) return no_descriptor;
    return descriptor;
}

#endif
