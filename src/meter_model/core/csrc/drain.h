/* Whole pulses move from the accumulators to the pulse registers; the fraction (the low 32 bits) stays behind. */
#ifndef METERWIRE_DRAIN_H
#define METERWIRE_DRAIN_H

#include "fleet.h"

#define FRACTION INT64_C(0xffffffff)

/* The arithmetic shift of a negative number: defined by GCC and clang, both of which this file asks for. */
LIBRARY_INLINE int64_t whole_pulses(int64_t accumulator) { return accumulator >> 32; }

LIBRARY_INLINE int64_t wrapping_sum(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

/* 0, or -1 with nothing changed when a pulse register would overflow. */
static int drain_rows(int64_t *restrict accumulators, int64_t *restrict pulses, size_t count) {
    int64_t overflow = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t add = whole_pulses(accumulators[i]), old = pulses[i], sum = wrapping_sum(old, add);
        overflow |= (old ^ sum) & (add ^ sum);
    }
    if (overflow < 0) return -1;
    for (size_t i = 0; i < count; i++) {
        pulses[i] = wrapping_sum(pulses[i], whole_pulses(accumulators[i]));
        accumulators[i] &= FRACTION;
    }
    return 0;
}

/* The same into the bank that each meter has selected: accumulators [6][meters], pulses [banks][6][meters].
 * -2 when a bank number is not below banks; each is read once and used as read. */
static int drain_banks(int64_t *restrict accumulators, const uint8_t *restrict bank, int64_t *restrict pulses,
                       size_t banks, size_t meters) {
    for (int store = 0; store < 2; store++) {
        for (size_t m = 0; m < meters; m++) {
            const size_t b = bank[m];
            if (b >= banks) return -2;
            for (size_t r = 0; r < REGISTERS; r++) {
                int64_t *to = pulses + (b * REGISTERS + r) * meters + m, *from = accumulators + r * meters + m;
                int64_t add = whole_pulses(*from), sum = wrapping_sum(*to, add);
                if (store) {
                    *to = sum;
                    *from &= FRACTION;
                } else if (((*to ^ sum) & (add ^ sum)) < 0) {
                    return -1;
                }
            }
        }
    }
    return 0;
}

#endif
