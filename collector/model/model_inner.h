/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of this folder only. model.c takes items apart and checks their references;
 * subject.c says who an object is, chain.c composes chains, names.c keeps resolver answers.
 */
#ifndef SOWATCH_MODEL_INNER_H
#define SOWATCH_MODEL_INNER_H

#include "../target_kept.h"
#include "store.h"
#include "model.h"

/* Longest chain; a deeper lineage is cut at its outer end. */
#define CHAIN_LINKS_MAX 512u
/* Different links of all chains: what a hostile log can make us hold (500 MB). */
#define MODEL_LINKS_MAX (16u << 20)

struct object {
	struct subject *subject; /* NULL: not anybody (shim, vdso), skipped on stacks */
};

/* A stack, its frames already folded into links (which know no process yet). */
struct stack {
	uint32_t flags; /* enum wire_stack_flags */
	uint32_t count;
	bool has_inferred, has_import;
	uint8_t phases; /* enum phase */
	struct chain_link links[];
};

/* The links of chains that are alike, kept once: a service that forks all day makes the same chains
 * again and again. */
struct link_set {
	uint32_t count;
	struct chain_link links[];
};

/* Targets of one generation and their strings. */
struct target_rows {
	struct item_target *rows[TARGET_GENERATION];
	struct store store;
};

/* Where data may have come from and gone to, by pipes and by the network. */
struct pipes {
	uint64_t input, output, script; /* WIRE_PIPE, 0: none */
	uint32_t older_writer;	/* process with the same output that came before, 0: none */
	uint32_t newest_writer; /* of the first with that output: the last one */
	bool is_settled;	/* the script's peer is known: its subject stays */
	bool has_peer;		/* the last one it connected to */
	uint8_t address_len;
	uint16_t port;
	uint8_t address[16];
};

/* What only the model knows of a process. */
struct process_state {
	struct process process; /* first: model_process() hands this out */
	uint32_t names_count;
	uint32_t names_at_fork; /* how many of the parent's answers the copy knows */
	uint32_t *resolvers;	/* ids of subjects whose answers are not heard, in order of coming */
	uint32_t resolver_count, resolver_room;
	uint32_t resolvers_at_fork;
	struct pipes pipes;
};

/* Open addressing over ids; 0 is an empty place. */
struct index {
	uint32_t *places;
	uint32_t count, room; /* room: a power of two, or 0 */
};

struct name_list;

struct model {
	uint64_t serial;
	struct store store;
	struct item_run run;
	struct table subjects, objects, stacks, chains, processes, functions, name_lists, link_sets;
	struct index subject_index, name_index, link_index, pipe_index;
	uint32_t target_count;
	struct target_rows *targets[TARGET_GENERATIONS]; /* by generation, round */
	struct chain_link *scratch; /* CHAIN_LINKS_MAX, for composing */
	uint64_t link_count;
	struct drops *drops; /* NULL: nothing was written yet */
	struct secrets *secrets; /* NULL: nothing was noted yet */
};

/* index.c: the callback says whether the row with this id is the one looked for. */
typedef bool (*index_is_same)(const struct model *model, uint32_t id, const void *key);
uint32_t index_find(const struct model *model, const struct index *index, uint64_t hash,
		    index_is_same is_same, const void *key);
/* Room for one more; rehashes with hash_of(model, id). 0 or -ENOMEM. */
int index_reserve(const struct model *model, struct index *index,
		  uint64_t (*hash_of)(const struct model *model, uint32_t id));
void index_put(struct index *index, uint64_t hash, uint32_t id);
void index_done(struct index *index);

/* subject.c */
struct subject_key {
	enum subject_kind kind;
	struct str path, build_id, package;
	const struct subject *maker;
	struct str sha256, origin; /* "" where nobody asked: then they tell nothing apart */
};
struct subject *subject_for_object(struct model *model, const struct item_object *object);
struct subject *subject_for_path(struct model *model, enum subject_kind kind, struct str path,
				 struct str sha256, struct str origin);
/* path: what it was started by, "" from standard input */
struct subject *subject_for_piped(struct model *model, struct str path, struct str origin,
				  bool has_peer);
struct subject *subject_for_code(struct model *model, struct subject *maker);

/* phase.c: what was under way on a stack that is folded. */
void stack_set_phases(struct stack *stack);

/* chain.c */
struct stack *stack_fold(struct model *model, const struct item_stack *item, int *ret_error);
/* A chain that may still be without links: what it is to be made of, until its first use. */
struct late_chain {
	struct chain chain; /* first */
	uint32_t stack, parent;
};
/* References were checked by the caller. *ret_error: -ENOBUFS when the model is full, -ENOMEM. */
struct chain *chain_take(struct model *model, const struct item_chain *item, int *ret_error);
/* It is about to be used. 0 (also when there is none of that id), or as chain_take(). */
int chain_ready(struct model *model, uint32_t id);

/* target.c */
int targets_add(struct model *model, const struct item_target *item);
struct item_target *targets_at(const struct model *model, uint32_t id);
void targets_done(struct model *model);

/* pipe.c: scripts that came through a pipe. */
int pipes_begin(struct model *model, struct process_state *state, const struct item_process *item);
void pipes_connected(struct model *model, const struct item_event *event);
/* Reads its script from a pipe whose writer's peer is not known yet. */
bool pipes_are_open(const struct process_state *state);
/* The process's script as far as it is known by now. 0, or -ENOMEM. */
int pipes_script(struct model *model, struct process_state *state);

/* drop.c */
void drops_done(struct model *model);

/* secret.c */
void secrets_done(struct model *model);

/* names.c */
int names_add(struct model *model, const struct item_name *item);
void names_done(struct model *model);

static inline bool str_is_valid(struct str string)
{
	return string.data || !string.len;
}

#endif
