#ifndef GATEHOUSE_CRDKAFKA_SHIM_H
#define GATEHOUSE_CRDKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>

#endif
