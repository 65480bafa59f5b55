/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands behind the URI of a Contact in a REGISTER and in its answer.
 */
#ifndef NATTRAVD_REGISTRAR_CONTACT_H
#define NATTRAVD_REGISTRAR_CONTACT_H

#include "registrar/location.h"

/* The greatest q, in thousandths, and what it is if nothing is said. */
#define CONTACT_Q_MAX 1000

/* A number of seconds, @otherwise if it is none; too much for us is just much. */
uint32_t contact_seconds(const struct pl *text, uint32_t otherwise);

/**
 * contact_params() - read the parameters of a Contact
 * @contact: its lifetime, q, instance and reg-id are set
 * @params: from the first semicolon on
 * @expires: its lifetime, if it does not tell
 */
void contact_params(struct contact *contact, const struct pl *params, uint32_t expires);

#endif
