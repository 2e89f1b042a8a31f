/* The door: every buffer is looked at once, here, and is C-contiguous, aligned and of the right size behind it. */
#ifndef METERWIRE_BUFFERS_H
#define METERWIRE_BUFFERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

enum { MAX_BUFFERS = 8 };

typedef struct {
    Py_buffer view[MAX_BUFFERS];
    int writable[MAX_BUFFERS];
    int count;
} buffer_set;

static void release_buffers(buffer_set *set) {
    while (set->count > 0) PyBuffer_Release(&set->view[--set->count]);
}

/* One format letter in native order: of a buffer of format "<d" or "@d" or "=d" the letter d; 0 for anything else. */
static char format_letter(const char *format) {
    if (!format) return 'B';
#if PY_LITTLE_ENDIAN
    if (*format == '@' || *format == '=' || *format == '<') format++;
#else
    if (*format == '@' || *format == '=' || *format == '>' || *format == '!') format++;
#endif
    return format[0] && !format[1] ? format[0] : 0;
}

/* Takes the buffer of object into the set and gives it, or NULL with TypeError or ValueError set. */
static Py_buffer *take_buffer(buffer_set *set, PyObject *object, const char *name, const char *letters, size_t itemsize,
                              int writable) {
    Py_buffer *view = &set->view[set->count];
    if (!PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "%s: a buffer is needed, not %.100s", name, Py_TYPE(object)->tp_name);
        return NULL;
    }
    if (PyObject_GetBuffer(object, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0)) < 0) {
        if (PyErr_ExceptionMatches(PyExc_BufferError) || PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Clear();
            PyErr_Format(PyExc_ValueError, "%s: a C-contiguous%s buffer is needed", name, writable ? ", writable" : "");
        }
        return NULL;
    }
    set->writable[set->count++] = writable;
    const char letter = format_letter(view->format);
    if (!letter || !strchr(letters, letter) || (itemsize && (size_t)view->itemsize != itemsize)) {
        PyErr_Format(PyExc_TypeError, "%s: items of format %s are needed, not %.20s", name, letters,
                     view->format ? view->format : "B");
        return NULL;
    }
    if (view->itemsize <= 0 || view->len < 0 || view->len % view->itemsize ||
        (uintptr_t)view->buf % (uintptr_t)view->itemsize) {
        PyErr_Format(PyExc_ValueError, "%s: items must be whole and aligned", name);
        return NULL;
    }
    return view;
}

static size_t items(const Py_buffer *view) { return (size_t)view->len / (size_t)view->itemsize; }

static int expect_items(const Py_buffer *view, const char *name, size_t wanted) {
    if (items(view) == wanted) return 0;
    PyErr_Format(PyExc_ValueError, "%s: %zu items are needed, not %zu", name, wanted, items(view));
    return -1;
}

/* What is written may not lie over anything else that is passed. */
static int expect_apart(const buffer_set *set) {
    for (int i = 0; i < set->count; i++) {
        for (int j = 0; set->writable[i] && j < set->count; j++) {
            const char *a = set->view[i].buf, *b = set->view[j].buf;
            if (i != j && a < b + set->view[j].len && b < a + set->view[i].len) {
                PyErr_SetString(PyExc_ValueError, "an array that is written overlaps another one");
                return -1;
            }
        }
    }
    return 0;
}

#endif
