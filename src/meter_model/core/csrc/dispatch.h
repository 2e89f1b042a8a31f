/* The kernel compiled for each instruction set, and the choice among them.
 *
 * The vector is as wide as the set's registers: a wider one is taken apart by the compiler at a great price.
 * The target is set around each inclusion, so that no file needs flags of its own.
 */
#ifndef METERWIRE_DISPATCH_H
#define METERWIRE_DISPATCH_H

#include "fleet.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86_PATHS 1
#endif

#define W 2
#define NAME(word) JOIN(word, base)
#include "fleet.inc.h"

#ifdef HAVE_X86_PATHS
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define W 4
#define NAME(word) JOIN(word, v3)
#include "fleet.inc.h"
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,avx512f,avx512dq,avx512bw,avx512vl")
#endif
#define W 8
#define NAME(word) JOIN(word, v4)
#include "fleet.inc.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

typedef struct {
    const char *name;
    fleet_span span;
} isa_path;

static const isa_path ISA_PATHS[] = {
    {"base", span_base},
#ifdef HAVE_X86_PATHS
    {"v3", span_v3},
    {"v4", span_v4},
#endif
};

/* How many of ISA_PATHS this machine can run; they are in rising order.  Features are asked for one by one because
 * clang 14 does not know the names of the levels. */
static size_t isa_paths_here(void) {
#ifdef HAVE_X86_PATHS
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2")) return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl"))
        return 2;
    return 3;
#else
    return 1;
#endif
}

#endif
