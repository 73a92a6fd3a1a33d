#ifndef GATEHOUSE_CPCRE2_SHIM_H
#define GATEHOUSE_CPCRE2_SHIM_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// Swift does not import the type-generic macros of pcre2.h; these name the eight-bit functions.

/// Match data of the calling thread, with room for the whole match only. Made on first use and kept until the
/// thread ends, so that a match allocates nothing. NULL when memory is exhausted.
static inline pcre2_match_data_8 *gatehouse_pcre2_thread_match_data(void) {
    static __thread pcre2_match_data_8 *data;
    if (data == NULL) {
        data = pcre2_match_data_create_8(1, NULL);
    }
    return data;
}

#endif
