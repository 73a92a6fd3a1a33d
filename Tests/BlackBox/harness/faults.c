// Loaded into the program under test: calls of the system fail when a test says so (faults.py).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// One failure for each file FAULTS/accept-PORT, which holds the number of the error and is taken away.
static int fault_of_accept(int listener) {
    const char *folder = getenv("FAULTS");
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    if (folder == NULL || getsockname(listener, (struct sockaddr *)&address, &length) != 0) return 0;
    char path[4096];
    snprintf(path, sizeof(path), "%s/accept-%d", folder, ntohs(address.sin_port));
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
