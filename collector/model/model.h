/* SPDX-License-Identifier: Apache-2.0
 *
 * Who: turns the ids of items into subjects and chains. Fed with every item; pure (no I/O), so
 * that live and replay agree.
 */
#ifndef SOWATCH_MODEL_H
#define SOWATCH_MODEL_H

#include "../item.h"

enum subject_kind {
	SUBJECT_LIBRARY = 1,
	SUBJECT_EXECUTABLE,
	SUBJECT_PYTHON,
	SUBJECT_SCRIPT,
	SUBJECT_CODE, /* executable memory in no object */
};

/* One per distinct (kind, path, build-id, package); lives as long as the model. NUL-terminated
 * strings, "" when not known. */
struct subject {
	uint32_t id; /* dense, from 1 */
	enum subject_kind kind;
	char *name;	/* soname or file name; base name; distribution */
	char *path;	/* full real path */
	char *build_id; /* lower-case hex */
	char *package;	/* owning package, "" when none owns the file */
	char *package_version;
	char *sha256; /* of the file, lower-case hex, "" when not taken */
	char *origin; /* SCRIPT: where it came from, "" when not known */
	uint64_t device, inode;
	uint32_t object;       /* object id it came from, 0 for scripts */
	struct subject *maker; /* CODE: who made it executable, or NULL */
	/* Filled by the policy, see policy.h. */
	const struct policy_binding *binding;
};

/* One element of a chain: consecutive frames of one subject, folded. */
struct chain_link {
	struct subject *subject;
	uint64_t offset;     /* innermost frame of the fold, in the object's own terms */
	bool is_inferred;    /* put there by a tail call's evidence only */
	bool starts_process; /* the last link of its process: what follows is the exec origin */
	bool starts_thread;  /* the last link of its thread: what follows is the thread's origin */
};

enum chain_method {
	METHOD_EXACT = 1,
	METHOD_INFERRED,
	METHOD_PARTIAL,
};

/* What was under way when the stack was taken, by what is on it, never by the clock. Bits: a library's
 * constructor before main is both of the first two. */
enum phase {
	PHASE_LOAD = 1,	   /* a constructor, an IFUNC resolver, dlopen or an import is on the stack */
	PHASE_STARTUP = 2, /* before main, or under Python's site */
	PHASE_STEADY = 4,  /* neither */
};

/* Composed once per chain id: stack, then thread origin, then exec origin, up to the root. */
struct chain {
	uint32_t id;
	uint32_t process;
	uint32_t count;
	uint32_t own_count; /* links before the first process boundary */
	bool is_partial;    /* the innermost stack could not be taken whole */
	bool has_inferred;
	struct chain_link *links; /* innermost first */
	uint8_t phases;		  /* enum phase, of its own stack; of its thread's origin: no */
	bool has_import;	  /* an import is under way on it */
	uint32_t seen_count;	  /* count, or where its stack, its thread's or its process's origin was
				     cut short: links from here on may not be the true callers */
	uint32_t tail_seen_count; /* the same beyond the end of its process: who started it is known
				     however much of its own stack is */
};

struct process {
	uint32_t id, pid, uid;
	uint32_t inner_pid; /* in its own pid namespace, 0: the same */
	uint64_t start_ns;
	bool is_covered, is_ended;
	uint8_t how;
	struct process *parent;
	uint32_t origin_chain;
	char *exe, *argv, *cwd, *home, *script, *cgroup; /* argv: NUL-separated */
	uint32_t argv_len;
	struct subject *exe_subject, *script_subject; /* script_subject may be NULL */
};

struct model;

struct model *model_new(void);
void model_free(struct model *model);
/* Another number for every model of this program: an address may be used again, this is not. */
uint64_t model_serial(const struct model *model);

/* Takes in a definition. -EINVAL when an id is out of order or refers to nothing (a damaged or
 * hostile log); the item is then ignored. Events and policies are accepted and ignored. */
int model_ingest(struct model *model, const struct item *item);

/* NULL for ids that do not exist. Pointers live as long as the model. */
const struct chain *model_chain(struct model *model, uint32_t id);
const struct process *model_process(struct model *model, uint32_t id);
/* Owned copies. Only the newest are kept (target_kept.h): unlike all else, a target may be gone
 * once a later one was ingested for which model_forgets() said so. */
const struct item_target *model_target(struct model *model, uint32_t id);
/* Would ingesting this item forget targets? Whoever still speaks of some speaks now. */
bool model_forgets(struct model *model, const struct item *item);
const char *model_function(struct model *model, uint32_t id);
struct subject *model_subject(struct model *model, uint32_t id);
uint32_t model_subjects(struct model *model); /* ids are 1..this */
const struct item_run *model_run(struct model *model);

/* Who wrote the file of that path last, as far as he was told of; NULL: nobody was. */
struct drop {
	uint32_t serial; /* another one for every writing, never 0 */
	const struct subject *writer;
	const struct chain *chain;
};
const struct drop *model_drop_of(const struct model *model, struct str path);
/* writer NULL: whoever wrote it does not count. 0, or -ENOMEM. */
int model_drop_note(struct model *model, struct str path, const struct subject *writer,
		    const struct chain *chain);

/* A secret that somebody read, in the service whose processes all come from one root: the first of
 * each group. Lives as long as the model. */
struct secret_read {
	const struct secret_read *next; /* a later one, of another group */
	const struct subject *reader;	/* charged with the reading: he himself, or a descendant */
	const struct process *process;
	const struct chain *chain;
	const char *group, *name; /* name: of the variable, or the file's path */
	bool is_variable;
	uint64_t time_ns;
};
const struct secret_read *model_secrets(const struct model *model, uint32_t process,
					const struct subject *subject);
/* Some could not be kept: whoever has none may have read one. */
bool model_secrets_are_lost(const struct model *model);
/* 0, or -ENOMEM. read: next is set here, group and name are copied. */
int model_secret_note(struct model *model, const struct subject *subject,
		      const struct secret_read *read);

/* Has he contacted that peer before, in the same service? UNTOLD: it was not kept. */
enum peer_news { PEER_IS_NEW, PEER_IS_KNOWN, PEER_IS_UNTOLD };
enum peer_news model_peer_news(struct model *model, uint32_t process, const struct subject *subject,
			       const struct item_target *target);
int model_peer_note(struct model *model, uint32_t process, const struct subject *subject,
		    const struct item_target *target); /* 0, or -ENOMEM */

/* Names known for an address in a process: its own resolver answers and those of the processes it
 * was forked from. Fills up to max pointers, returns how many there are. */
unsigned model_names(struct model *model, uint32_t process, const uint8_t *address,
		     uint8_t address_len, const char **ret_names, unsigned max);
/* Changes whenever model_names() or model_names_unheard() could answer differently for this process:
 * part of memo keys. */
uint32_t model_names_version(struct model *model, uint32_t process);
/* Somebody in this process resolves names by himself: what he was answered is not heard, neither
 * for him nor for those on his chain, who may have asked him to. Forked copies inherit it. */
int model_resolves_itself(struct model *model, uint32_t process, const struct chain *chain);
/* Is that subject one of them, or is nobody in this process heard at all? */
bool model_names_unheard(struct model *model, uint32_t process, const struct subject *subject);

#endif
