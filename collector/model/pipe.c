/* SPDX-License-Identifier: Apache-2.0
 *
 * Scripts that came through a pipe: `curl ... | bash`, `bash <(curl ...)`. Such a script has no file;
 * what tells it from others is who wrote it: the processes that had the pipe as their standard output,
 * what these were fed through pipes themselves, and the last peer that any of them had connected to.
 *
 * Until that is known a chain of such a script is composed when its first event comes (chain.c), so
 * the script is known as well as it could be at that moment: the interpreter's own beginnings may
 * come before its writer's connection, what the script does comes after.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "model_inner.h"

#define PIPE_STAGES 8u	   /* of a pipeline that are followed back */
#define PIPE_WRITERS 256u  /* that are looked at in all */
#define ORIGIN_BYTES 320u

static uint64_t pipe_hash(uint64_t pipe)
{
	return XXH3_64bits(&pipe, sizeof(pipe));
}

static uint64_t writer_hash(const struct model *model, uint32_t id)
{
	const struct process_state *state = table_at(&model->processes, id);
	return pipe_hash(state->pipes.output);
}

static bool writes_it(const struct model *model, uint32_t id, const void *key)
{
	const struct process_state *state = table_at(&model->processes, id);
	return state->pipes.output == *(const uint64_t *)key;
}

static struct process_state *first_writer(const struct model *model, uint64_t pipe)
{
	uint32_t id = index_find(model, &model->pipe_index, pipe_hash(pipe), writes_it, &pipe);
	return table_at(&model->processes, id);
}

static int writer_add(struct model *model, struct process_state *state)
{
	struct process_state *first = first_writer(model, state->pipes.output);
	if (first) {
		state->pipes.older_writer = first->pipes.newest_writer;
		first->pipes.newest_writer = state->process.id;
		return 0;
	}
	if (index_reserve(model, &model->pipe_index, writer_hash))
		return -ENOMEM;
	state->pipes.newest_writer = state->process.id;
	index_put(&model->pipe_index, pipe_hash(state->pipes.output), state->process.id);
	return 0;
}

int pipes_begin(struct model *model, struct process_state *state, const struct item_process *item)
{
	const struct process_state *parent = table_at(&model->processes, item->parent);
	struct pipes *pipes = &state->pipes;
	*pipes = (struct pipes){
		.input = item->input_pipe, .output = item->output_pipe, .script = item->script_pipe};
	if (item->how == PROCESS_FORK && parent) {
		pipes->input = pipes->input ? pipes->input : parent->pipes.input;
		pipes->output = pipes->output ? pipes->output : parent->pipes.output;
		pipes->script = parent->pipes.script;
		pipes->is_settled = parent->pipes.is_settled;
		if (pipes->script)
			state->process.script_subject = parent->process.script_subject;
	}
	return pipes->output ? writer_add(model, state) : 0;
}

/* Connections only: the resolver's are not made for what is read from them. */
void pipes_connected(struct model *model, const struct item_event *event)
{
	const struct item_target *target = targets_at(model, event->target);
	struct process_state *state = table_at(&model->processes, event->process);
	bool is_made = event->result >= 0 || event->result == -EINPROGRESS;
	if (!target || target->kind != TARGET_PEER || target->proto != PROTO_TCP || !is_made ||
	    event->flags & EVENT_DATAGRAM || event->via[0] || !target->address_len)
		return;
	state->pipes.has_peer = true;
	state->pipes.address_len = target->address_len;
	state->pipes.port = target->port;
	memcpy(state->pipes.address, target->address, sizeof(state->pipes.address));
}

/* Who fetched what came through that pipe; *ret_writer: whoever wrote it last. */
static const struct process_state *fetcher(struct model *model, uint64_t pipe, uint32_t reader,
					   const struct process_state **ret_writer)
{
	unsigned looked = 0;
	for (unsigned stage = 0; pipe && stage < PIPE_STAGES; stage++) {
		const struct process_state *first = first_writer(model, pipe);
		uint64_t before = 0;
		uint32_t id = first ? first->pipes.newest_writer : 0;
		while (id && looked++ < PIPE_WRITERS) {
			const struct process_state *state = table_at(&model->processes, id);
			if (id != reader && state->pipes.has_peer)
				return state;
			if (id != reader && !*ret_writer && state->process.how != PROCESS_FORK)
				*ret_writer = state;
			if (id != reader && !before && state->pipes.input != pipe)
				before = state->pipes.input;
			id = state->pipes.older_writer;
		}
		pipe = before;
	}
	return NULL;
}

/* "codecov.io:443", or the address where no name is known. */
static struct str peer_text(struct model *model, const struct process_state *state,
			    char text[ORIGIN_BYTES])
{
	const struct pipes *pipes = &state->pipes;
	char address[INET6_ADDRSTRLEN] = "";
	const char *name = NULL;
	int family = pipes->address_len == 4 ? AF_INET : AF_INET6;
	inet_ntop(family, pipes->address, address, sizeof(address));
	if (!model_names(model, state->process.id, pipes->address, pipes->address_len, &name, 1))
		name = NULL;
	const char *format = name || family == AF_INET ? "%s:%u" : "[%s]:%u";
	int len = snprintf(text, ORIGIN_BYTES, format, name ? name : address,
			   (unsigned)pipes->port);
	return (struct str){text, len < 0 ? 0 : len < (int)ORIGIN_BYTES ? (uint32_t)len : ORIGIN_BYTES - 1};
}

bool pipes_are_open(const struct process_state *state)
{
	return state->pipes.script && !state->pipes.is_settled;
}

int pipes_script(struct model *model, struct process_state *state)
{
	const struct process_state *writer = NULL, *from;
	char text[ORIGIN_BYTES];
	if (!pipes_are_open(state))
		return 0;
	from = fetcher(model, state->pipes.script, state->process.id, &writer);
	if (!from && !writer)
		return 0;
	struct str origin = {writer ? writer->process.exe : "", 0};
	origin.len = (uint32_t)strlen(origin.data);
	if (from)
		origin = peer_text(model, from, text);
	struct subject *script =
		subject_for_piped(model, *state->process.script ? STR_LIT("/dev/fd") : STR_LIT("-"),
				  origin, from != NULL);
	if (!script)
		return -ENOMEM;
	state->process.script_subject = script;
	state->pipes.is_settled = from != NULL;
	return 0;
}
