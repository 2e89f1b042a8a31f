/* meterwire.meter_model.core._core: the doors of the metering core.
 *
 * No state is kept here but the choice of instruction set: every array belongs to the caller.  The interpreter lock is
 * released while a large block is worked on, so an array that another thread changes meanwhile gives unspecified numbers,
 * but no address is ever computed from sample values.
 */
#include "buffers.h"

#include "dispatch.h"
#include "drain.h"

/* Below this many meter-steps a call keeps the lock: giving it up costs more than the work. */
#define SMALL_WORK 16384

/* Above this size of p and q the kernel asks for data ahead of time; below, that costs more than it brings. */
#define FAR_BYTES (4 << 20)

typedef struct {
    size_t isa; /* index into ISA_PATHS; read and written atomically */
} core_state;

static fleet_span chosen_span(PyObject *module) {
    core_state *state = PyModule_GetState(module);
    return ISA_PATHS[__atomic_load_n(&state->isa, __ATOMIC_RELAXED)].span;
}

/* Adds the range, or leaves it as it was when a meter in the middle fails. */
static fleet_result integrate_range(fleet_span span, const fleet_job *job, size_t first, size_t last, int check) {
    fleet_result result = span(job, first, last, check ? CHECK : ADD);
    if (result.outcome != DONE && !check) span(job, first, result.tile, UNDO);
    return result;
}

static PyObject *raise_result(const fleet_result *result) {
    static const char *const where[] = {"phase a", "phase b", "phase c", "the sum of the phases", "the power"};
    if (result->outcome == NO_ROOM)
        return PyErr_Format(PyExc_OverflowError, "meter %zu, %s: accumulator full, drain first", result->meter,
                            where[result->row]);
    if (result->outcome == NEGATIVE_CONSTANT)
        return PyErr_Format(PyExc_ValueError, "meter %zu: a factor or a threshold is negative", result->meter);
    return PyErr_Format(PyExc_ValueError, "meter %zu, %s: not a number, or 2**51 or more increments in one step",
                        result->meter, where[result->row]);
}

PyDoc_STRVAR(integrate_doc,
             "integrate(p, q, active_factor, reactive_factor, starting_active, starting_reactive, phases, totals,\n"
             "          first=0, last=None, check=False)\n--\n\n"
             "Add a block of steps to the accumulators of the meters first to last, or with check only look at it.");

static PyObject *core_integrate(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs < 8 || nargs > 11) {
        PyErr_Format(PyExc_TypeError, "integrate takes 8 to 11 positional arguments, not %zd", nargs);
        return NULL;
    }
    static const char *const names[] = {"p",
                                        "q",
                                        "active_factor",
                                        "reactive_factor",
                                        "starting_active",
                                        "starting_reactive",
                                        "phases",
                                        "totals"};
    buffer_set set = {.count = 0};
    Py_buffer *view[8] = {0};
    PyObject *answer = NULL;
    for (int i = 0; i < 8; i++) {
        if (i == 6 && args[i] == Py_None) continue;
        if (i < 2)
            view[i] = take_buffer(&set, args[i], names[i], "df", 0, 0);
        else if (i < 6)
            view[i] = take_buffer(&set, args[i], names[i], "d", sizeof(double), 0);
        else
            view[i] = take_buffer(&set, args[i], names[i], "lq", sizeof(int64_t), 1);
        if (!view[i]) goto out;
    }
    const size_t meters = items(view[2]), samples = items(view[0]);
    if (meters < 1 || meters > PY_SSIZE_T_MAX / (PHASES * REGISTERS * sizeof(int64_t))) {
        PyErr_SetString(PyExc_ValueError, "active_factor: at least one meter is needed");
        goto out;
    }
    for (int i = 3; i < 6; i++)
        if (expect_items(view[i], names[i], meters) < 0) goto out;
    if (view[6] && expect_items(view[6], names[6], PHASES * REGISTERS * meters) < 0) goto out;
    if (expect_items(view[7], names[7], REGISTERS * meters) < 0) goto out;
    if (view[0]->itemsize != view[1]->itemsize) {
        PyErr_SetString(PyExc_TypeError, "p and q: items of the same size are needed");
        goto out;
    }
    const size_t per_step = view[6] ? PHASES * meters : meters;
    if (expect_items(view[1], names[1], samples) < 0) goto out;
    if (samples % per_step || samples / per_step < 1 || samples / per_step > MAX_STEPS) {
        PyErr_Format(PyExc_ValueError, "p: a whole number of steps, 1 to %d, of %zu items is needed, not %zu items",
                     MAX_STEPS, per_step, samples);
        goto out;
    }
    if (expect_apart(&set) < 0) goto out;

    Py_ssize_t first = 0, last = (Py_ssize_t)meters;
    int check = 0;
    if (nargs > 8 && (first = PyNumber_AsSsize_t(args[8], PyExc_ValueError)) == -1 && PyErr_Occurred()) goto out;
    if (nargs > 9 && args[9] != Py_None && (last = PyNumber_AsSsize_t(args[9], PyExc_ValueError)) == -1 &&
        PyErr_Occurred())
        goto out;
    if (nargs > 10 && (check = PyObject_IsTrue(args[10])) < 0) goto out;
    if (first < 0 || last < first || last > (Py_ssize_t)meters) {
        PyErr_Format(PyExc_ValueError, "first and last: 0 <= first <= last <= %zu is needed", meters);
        goto out;
    }

    const fleet_job job = {
        .active = view[0]->buf,
        .reactive = view[1]->buf,
        .steps = samples / per_step,
        .meters = meters,
        .single = view[0]->itemsize == sizeof(float),
        .far = view[0]->len > FAR_BYTES / 2,
        .active_factor = view[2]->buf,
        .reactive_factor = view[3]->buf,
        .starting_active = view[4]->buf,
        .starting_reactive = view[5]->buf,
        .phases = view[6] ? view[6]->buf : NULL,
        .totals = view[7]->buf,
    };
    const fleet_span span = chosen_span(module);
    fleet_result result;
    if (samples < SMALL_WORK) {
        result = integrate_range(span, &job, (size_t)first, (size_t)last, check);
    } else {
        Py_BEGIN_ALLOW_THREADS
        result = integrate_range(span, &job, (size_t)first, (size_t)last, check);
        Py_END_ALLOW_THREADS
    }
    answer = result.outcome == DONE ? Py_NewRef(Py_None) : raise_result(&result);
out:
    release_buffers(&set);
    return answer;
}

static PyObject *drained(int outcome) {
    if (outcome == 0) Py_RETURN_NONE;
    if (outcome == -1) return PyErr_Format(PyExc_OverflowError, "a pulse register is full");
    return PyErr_Format(PyExc_ValueError, "a meter has selected a bank that does not exist");
}

PyDoc_STRVAR(drain_doc, "drain(accumulators, pulses)\n--\n\nMove whole pulses; the fractions stay.");

static PyObject *core_drain(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    (void)module;
    if (nargs != 2) return PyErr_Format(PyExc_TypeError, "drain takes 2 positional arguments, not %zd", nargs);
    buffer_set set = {.count = 0};
    PyObject *answer = NULL;
    Py_buffer *from = take_buffer(&set, args[0], "accumulators", "lq", sizeof(int64_t), 1);
    Py_buffer *to = from ? take_buffer(&set, args[1], "pulses", "lq", sizeof(int64_t), 1) : NULL;
    if (to && expect_items(to, "pulses", items(from)) == 0 && expect_apart(&set) == 0) {
        int outcome;
        const size_t count = items(from);
        if (count < SMALL_WORK) {
            outcome = drain_rows(from->buf, to->buf, count);
        } else {
            Py_BEGIN_ALLOW_THREADS
            outcome = drain_rows(from->buf, to->buf, count);
            Py_END_ALLOW_THREADS
        }
        answer = drained(outcome);
    }
    release_buffers(&set);
    return answer;
}

PyDoc_STRVAR(drain_banks_doc, "drain_banks(accumulators, bank, pulses)\n--\n\n"
                              "Move whole pulses of accumulators [6][meters] to pulses [banks][6][meters].");

static PyObject *core_drain_banks(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    (void)module;
    if (nargs != 3) return PyErr_Format(PyExc_TypeError, "drain_banks takes 3 positional arguments, not %zd", nargs);
    buffer_set set = {.count = 0};
    PyObject *answer = NULL;
    Py_buffer *from = take_buffer(&set, args[0], "accumulators", "lq", sizeof(int64_t), 1);
    Py_buffer *bank = from ? take_buffer(&set, args[1], "bank", "B", 1, 0) : NULL;
    Py_buffer *to = bank ? take_buffer(&set, args[2], "pulses", "lq", sizeof(int64_t), 1) : NULL;
    if (!to) goto out;
    const size_t meters = items(bank);
    if (meters < 1 || meters > PY_SSIZE_T_MAX / (REGISTERS * sizeof(int64_t))) {
        PyErr_SetString(PyExc_ValueError, "bank: at least one meter is needed");
        goto out;
    }
    if (expect_items(from, "accumulators", REGISTERS * meters) < 0) goto out;
    if (items(to) == 0 || items(to) % (REGISTERS * meters)) {
        PyErr_Format(PyExc_ValueError, "pulses: a whole number of banks of %zu items is needed", REGISTERS * meters);
        goto out;
    }
    if (expect_apart(&set) < 0) goto out;
    const size_t banks = items(to) / (REGISTERS * meters);
    int outcome;
    if (REGISTERS * meters < SMALL_WORK) {
        outcome = drain_banks(from->buf, bank->buf, to->buf, banks, meters);
    } else {
        Py_BEGIN_ALLOW_THREADS
        outcome = drain_banks(from->buf, bank->buf, to->buf, banks, meters);
        Py_END_ALLOW_THREADS
    }
    answer = drained(outcome);
out:
    release_buffers(&set);
    return answer;
}

PyDoc_STRVAR(use_isa_doc, "use_isa(name)\n--\n\nTake this instruction set, one of isas, from now on; meant for tests.");

static PyObject *core_use_isa(PyObject *module, PyObject *name) {
    core_state *state = PyModule_GetState(module);
    const size_t here = isa_paths_here();
    if (!PyUnicode_Check(name)) return PyErr_Format(PyExc_TypeError, "isa: a name is needed");
    for (size_t i = 0; i < here; i++) {
        if (PyUnicode_CompareWithASCIIString(name, ISA_PATHS[i].name) != 0) continue;
        if (PyModule_AddStringConstant(module, "isa", ISA_PATHS[i].name) < 0) return NULL;
        __atomic_store_n(&state->isa, i, __ATOMIC_RELAXED);
        Py_RETURN_NONE;
    }
    return PyErr_Format(PyExc_ValueError, "isa: this machine or build has no %R", name);
}

static PyMethodDef core_methods[] = {
    {"integrate", (PyCFunction)(void (*)(void))core_integrate, METH_FASTCALL, integrate_doc},
    {"drain", (PyCFunction)(void (*)(void))core_drain, METH_FASTCALL, drain_doc},
    {"drain_banks", (PyCFunction)(void (*)(void))core_drain_banks, METH_FASTCALL, drain_banks_doc},
    {"use_isa", core_use_isa, METH_O, use_isa_doc},
    {NULL, NULL, 0, NULL},
};

static int core_exec(PyObject *module) {
    core_state *state = PyModule_GetState(module);
    const size_t here = isa_paths_here();
    state->isa = here - 1;
    PyObject *names = PyTuple_New((Py_ssize_t)here);
    if (!names) return -1;
    for (size_t i = 0; i < here; i++) {
        PyObject *name = PyUnicode_FromString(ISA_PATHS[i].name);
        if (!name) {
            Py_DECREF(names);
            return -1;
        }
        PyTuple_SET_ITEM(names, (Py_ssize_t)i, name);
    }
    const int added = PyModule_AddObjectRef(module, "isas", names);
    Py_DECREF(names);
    if (added < 0 || PyModule_AddStringConstant(module, "isa", ISA_PATHS[state->isa].name) < 0) return -1;
    return PyModule_AddIntConstant(module, "MAX_STEPS", MAX_STEPS);
}

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, core_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = "The metering core: energy accumulators of many meters at once.",
    .m_size = sizeof(core_state),
    .m_methods = core_methods,
    .m_slots = core_slots,
};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&core_module); }
