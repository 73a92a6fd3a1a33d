#ifndef GATEHOUSE_CLIBCRYPTO_SHIM_H
#define GATEHOUSE_CLIBCRYPTO_SHIM_H

// The functions on a state that the caller owns are marked as old, because they know no hardware providers; they are
// the ones that need no memory of their own.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#endif
