#ifndef GATEHOUSE_CSOCKETS_SHIM_H
#define GATEHOUSE_CSOCKETS_SHIM_H

// Control messages are made with macros, which Swift cannot call.

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define GATEHOUSE_DESCRIPTORS 8

// Sends one byte and `count` descriptors. Returns 1, or -1 with errno.
static inline long gatehouse_send_descriptors(int socket, const int *descriptors, int count) {
    char byte = 'D';
    struct iovec part = { &byte, 1 };
    union { char bytes[CMSG_SPACE(sizeof(int) * GATEHOUSE_DESCRIPTORS)]; struct cmsghdr align; } control;
    memset(&control, 0, sizeof(control));
    struct msghdr message;
    memset(&message, 0, sizeof(message));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * (size_t)count);
    return (long)sendmsg(socket, &message, MSG_NOSIGNAL);
}

// Receives one byte and at most GATEHOUSE_DESCRIPTORS descriptors, closed on exec. Returns how many, or -1.
static inline int gatehouse_receive_descriptors(int socket, int *descriptors) {
    char byte = 0;
    struct iovec part = { &byte, 1 };
    union { char bytes[CMSG_SPACE(sizeof(int) * GATEHOUSE_DESCRIPTORS)]; struct cmsghdr align; } control;
    struct msghdr message;
    memset(&message, 0, sizeof(message));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    long received = (long)recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received != 1 || (message.msg_flags & MSG_CTRUNC) != 0) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -1;
    int count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(descriptors, CMSG_DATA(header), sizeof(int) * (size_t)count);
    return count;
}

#endif
