/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jansson beside libre, which has two constants of the same names. Where both are
 * needed <re.h> comes first; these names mean jansson's from here on.
 */
#ifndef NATTRAV_NG_JSON_H
#define NATTRAV_NG_JSON_H

#ifndef JANSSON_H
#define JSON_STRING JANSSON_STRING
#define JSON_NULL   JANSSON_NULL
#include <jansson.h>
#endif

#endif
