// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands of the ng protocol.
 */
#include "ng/internal.h"

/**
 * ng_set_number() - put a number into an object
 * @json: the object
 * @name: its name there
 * @value: the number
 */
void ng_set_number(json_t *json, const char *name, uint64_t value)
{
	json_object_set_new_nocheck(json, name, json_integer((json_int_t)value));
}

/**
 * ng_set_string() - put a string into an object
 * @json: the object
 * @name: its name there
 * @value: the string
 */
void ng_set_string(json_t *json, const char *name, const char *value)
{
	json_object_set_new_nocheck(json, name, json_string_nocheck(value));
}

/**
 * ng_error() - the reply that refuses
 * @reason: why, in the words that proxies know where there are such
 */
json_t *ng_error(const char *reason)
{
	json_t *reply = json_object();

	ng_set_string(reply, "result", "error");
	ng_set_string(reply, "error-reason", reason);
	return reply;
}

static json_t *command_ping(struct ng *ng, const struct ng_request *request)
{
	json_t *reply = json_object();

	(void)ng;
	(void)request;
	ng_set_string(reply, "result", "pong");
	return reply;
}

static const struct {
	const char *name;
	ng_command_fn *fn;
} commands[] = {
	{ "ping", command_ping },        { "offer", ng_offer }, { "answer", ng_answer },
	{ "delete", ng_delete },         { "query", ng_query }, { "list", ng_list },
	{ "statistics", ng_statistics },
};

/**
 * ng_command() - carry out a request
 * @ng: the ng protocol
 * @request: the request
 *
 * Return: the reply, or NULL if memory ran out.
 */
json_t *ng_command(struct ng *ng, const struct ng_request *request)
{
	json_t *reply = NULL;
	const char *result;
	size_t i;

	ng->stats.requests++;
	for (i = 0; i < ARRAY_SIZE(commands) && !reply; i++) {
		if (!pl_strcmp(&request->command, commands[i].name))
			reply = commands[i].fn(ng, request);
	}
	if (!reply)
		reply = ng_error("Unrecognized command");

	result = json_string_value(json_object_get(reply, "result"));
	if (!result)
		ng_set_string(reply, "result", "ok");
	else if (!str_cmp(result, "error"))
		ng->stats.errors++;
	return reply;
}
