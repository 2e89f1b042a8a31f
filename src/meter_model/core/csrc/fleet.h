/* One block of steps for many meters: what goes in, what comes out, what can go wrong.
 *
 * An accumulator counts 2^-32 pulse in int64.  One step of one meter adds rint(|P| * k), the product rounded to double
 * first and ties going to even.  The rounding is the addition of 1.5 * 2^52, which leaves the integer in the low bits of
 * the sum; it is exact below 2^51, and anything else (too large, infinite, not a number) shows up as a bit above it.  Sums of such
 * integers do not depend on order: cutting a block into steps, or a fleet into ranges of meters, changes no bit.
 */
#ifndef METERWIRE_FLEET_H
#define METERWIRE_FLEET_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "the increments are defined by products rounded to double; build with SSE2 or an equivalent unit"
#endif
#if !defined(__GNUC__)
#error "needs the vector extension of GCC or clang"
#endif

#define ROUNDER 6755399441055744.0                /* 1.5 * 2^52 */
#define ROUNDER_BITS UINT64_C(0x4338000000000000) /* the same number as it is stored */
#define INCREMENT_BITS 51
#define LIBRARY_INLINE static inline __attribute__((always_inline))

enum { IMPORT, EXPORT, Q1, Q2, Q3, Q4, REGISTERS };

enum {
    PHASES = 3,
    TILE = 256, /* meters whose sums and constants stay in the first cache */
    BATCH = 4,  /* steps taken at once: the sums and constants of a meter are loaded once for them */
    MAX_STEPS = 2048 /* 2^11 increments below 2^51 stay below 2^62: what one block adds cannot overflow */
};

/* Where the powers of a row come from. */
enum row { PHASE_A, PHASE_B, PHASE_C, SUM_OF_PHASES, ALONE };

enum mode { ADD, UNDO, CHECK };

enum outcome { DONE, OUT_OF_RANGE, NO_ROOM, NEGATIVE_CONSTANT };

typedef struct {
    const void *active, *reactive; /* [steps][3][meters], or [steps][meters] when phases is NULL */
    size_t steps, meters;
    int single; /* samples are float, not double */
    int far;    /* the block does not fit into the caches */
    const double *active_factor, *reactive_factor; /* increment per W or var, [meters] */
    const double *starting_active, *starting_reactive; /* W or var per phase, [meters]; nothing of these four is negative */
    int64_t *phases; /* [6][3][meters] or NULL */
    int64_t *totals; /* [6][meters] */
} fleet_job;

typedef struct {
    enum outcome outcome;
    enum row row;
    size_t tile; /* first meter of the tile that failed: everything before it has been stored */
    size_t meter;
} fleet_result;

typedef fleet_result (*fleet_span)(const fleet_job *job, size_t first, size_t last, enum mode mode);

#endif
