// Loaded into the program under test: calls of the system fail when a test says so (faults.py).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// The path of FAULTS/NAME-PORT; 0: there are no faults.
static int path_of(char *path, size_t size, const char *name, int listener) {
    const char *folder = getenv("FAULTS");
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    if (folder == NULL || getsockname(listener, (struct sockaddr *)&address, &length) != 0) return 0;
    return snprintf(path, size, "%s/%s-%d", folder, name, ntohs(address.sin_port)) < (int)size;
}

// One failure for each file FAULTS/accept-PORT, which holds the number of the error and is taken away.
static int fault_of_accept(int listener) {
    char path[4096];
    if (!path_of(path, sizeof(path), "accept", listener)) return 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    int number = 0;
    if (fscanf(file, "%d", &number) != 1) number = 0;
    fclose(file);
    return unlink(path) == 0 ? number : 0;
}

int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags) {
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    if (real == NULL) real = (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(RTLD_NEXT, "accept4");
    int number = fault_of_accept(listener);
    if (number != 0) {
        errno = number;
        return -1;
    }
    return real(listener, address, length, flags);
}

// A socket is not duplicated as long as there is a file FAULTS/duplicate-PORT.
static int change(int (*real)(int, int, ...), int descriptor, int command, void *argument) {
    char path[4096];
    if (command == F_DUPFD_CLOEXEC && path_of(path, sizeof(path), "duplicate", descriptor) && access(path, F_OK) == 0) {
        errno = EMFILE;
        return -1;
    }
    return real(descriptor, command, argument);
}

#define CHANGES(name)                                                           \
    int name(int descriptor, int command, ...) {                                \
        static int (*real)(int, int, ...);                                      \
        if (real == NULL) real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list list;                                                           \
        va_start(list, command);                                                \
        void *argument = va_arg(list, void *);                                  \
        va_end(list);                                                           \
        return change(real, descriptor, command, argument);                     \
    }

CHANGES(fcntl)
CHANGES(fcntl64)
