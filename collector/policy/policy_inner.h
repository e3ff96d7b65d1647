/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of this folder only. load.c reads files, yaml.c makes trees of them, schema.c
 * checks keys, compile.c and rule.c make profiles and rules, layer.c puts profiles on top of each
 * other, phrase.c words what is allowed; after that nothing changes. match.c binds subjects to
 * profiles, charge.c walks chains, allow.c asks one profile, judge.c answers and remembers.
 */
#ifndef SOWATCH_POLICY_INNER_H
#define SOWATCH_POLICY_INNER_H

#include "glob.h"
#include "policy.h"
#include "prefix.h"
#include "report.h"
#include "yaml.h"
#include "yaml_files.h"

enum family { FAMILY_NET, FAMILY_FILE, FAMILY_EXEC, FAMILY_ENV, FAMILIES };

#define GUARDS_MAX 64u
#define SECRETS_MAX 64u /* groups */
#define NEVER UINT64_MAX

enum rule_kind {
	RULE_ANY, /* of a grant or guard: everything */
	RULE_PEER,
	RULE_PATH,
	RULE_PATHS, /* from, to */
	RULE_PROGRAM,
	RULE_NAME, /* host or variable */
};

/* Whose the acts of a child are that was started by a rule. */
enum child_mode { CHILD_UNSAID, CHILD_OWN, CHILD_MINE, CHILD_FREE };

enum peer_kind { PEER_ADDRESS, PEER_NAME, PEER_LOCALHOST, PEER_UNIX };

struct peer {
	enum peer_kind kind;
	const char *text;
	uint8_t address[16], address_len, prefix_bits;
	struct glob glob;
};

struct port_range {
	uint16_t low, high;
};

struct path_glob {
	struct glob glob;
	bool is_home;	 /* the glob goes on where the home directory ends */
	bool is_memfd;	 /* literally "memfd:" first */
	bool is_deleted; /* literally " (deleted)" last */
};

struct rule {
	struct rule_ref ref;
	enum rule_kind kind;
	enum severity severity; /* 0: not said */
	const char *message;
	const char *text; /* the rule in a phrase */
	struct place place;
	uint64_t expires_ns; /* realtime, or NEVER */
	uint32_t grant;	     /* 1 + index of the grant it belongs to, 0: none */
	uint32_t guard;	     /* the same for guards */
	bool is_indexed;
	uint8_t phases;	 /* enum phase, 0: any */
	bool is_attempt; /* failures count too */
	bool is_after;	 /* of a guard: only once a secret was read, and to who is new */
	bool is_learned;
	uint8_t secret;	 /* 1 + index of the group it belongs to */
	uint8_t child;	 /* enum child_mode: PROGRAM */
	struct rule *same_prefix; /* the next one in its place of the tree */
	union {
		struct {
			struct peer *to;
			struct port_range *ports;
			uint32_t to_count, port_count;
			uint8_t proto;
		} peer;
		struct path_glob path; /* PROGRAM: is_bare false */
		struct {
			struct path_glob from, to;
		} paths;
		struct glob name;
	};
	/* PROGRAM */
	bool is_bare, has_args, takes_rest;
	bool is_dropped; /* only of a file that its own side wrote */
	struct glob *args;
	uint32_t arg_count;
};

enum list_state { LIST_ABSENT, LIST_NONE, LIST_RULES, LIST_ANY };

/* What is allowed for one action. */
struct list {
	enum list_state state;
	bool is_said; /* the action's own key stands there, not only the family's */
	struct rule_ref ref;
	struct rule **rules;
	uint32_t count;
	const char *expected;
	const struct prefix_node *prefixes; /* rules by what their path begins with; may be NULL */
	struct rule **others;		    /* the rules that are not in the tree */
	uint32_t other_count;
};

enum match_rank { RANK_NAME = 1, RANK_VERSION, RANK_PATH, RANK_BUILD_ID, RANK_SHA256 };

/* One alternative of `match`: everything in it must hold. */
struct match {
	struct place place;
	enum subject_kind kind; /* 0: any */
	bool has_subject, is_path, has_package, has_origin;
	struct glob subject, package, origin;
	const char *build_id, *sha256;	     /* NULL: any */
	const struct version_range *version; /* of the package or distribution; NULL: any */
	enum match_rank rank;
	uint32_t literal_len;
	bool is_exact; /* carries binds although no package owns the file */
};

/* Keys of a profile that are answered one by one, see match.c. */
enum profile_key {
	KEY_FAMILY = 1 << 0, /* << family */
	KEY_CARRIES = 1 << FAMILIES,
	KEY_WATCH = 2 << FAMILIES,
	KEY_EXEMPT = 4 << FAMILIES,
	KEY_THREADS = 8 << FAMILIES,
	KEY_JUDGE = 16 << FAMILIES,
	KEY_SECRETS = 32 << FAMILIES,
};
#define PROFILE_KEYS (FAMILIES + 6)

struct profile {
	const char *name;
	struct place place;
	unsigned layer;
	bool is_learned;
	uint32_t order;
	uint32_t said; /* enum profile_key */
	struct match *matches;
	uint32_t match_count;
	uint32_t carries; /* bits of actions */
	bool is_conduit, is_baseless, watches_descendants, watches_anywhere, is_gone;
	bool is_pool, judges_attempts;
	uint8_t phases; /* enum phase: answers in these only, 0: always */
	uint64_t exempt;	/* bits of guards */
	enum severity severity; /* 0: not said */
	struct list lists[WIRE_ACTIONS];
	struct list families[FAMILIES]; /* state and ref only */
	const char *role_text, *reason;
	const struct profile *lower;	/* what it extends */
	uint64_t secrets;	/* bits of groups that are its own */
	const struct node *exempt_node, *secrets_node; /* until all files are read */
};

struct grant {
	struct place place;
	struct glob *via;
	uint32_t via_count;
	struct glob *modules; /* of via: Python distributions and modules */
	uint32_t module_count;
	bool has_import; /* via: importlib */
	uint8_t phases;
	const char **via_text;
	const char *reason;
};

struct guard {
	const char *name;
	struct place place;
	enum severity severity;
	const char *message, *reason;
	const char *phrase; /* what is expected of everybody */
	uint8_t phases;
	bool is_attempt;
};

/* Secrets that are meant for the same peers. */
struct secret_group {
	const char *name;
	struct place place;
	struct rule **peers;
	uint32_t peer_count;
};

enum secret_list { SECRET_VARIABLES, SECRET_FILES, SECRET_LISTS };

struct accept {
	const char *hole, *reason;
	uint64_t expires_ns;
};

struct policy_binding {
	bool is_profiled;
	bool is_trusted; /* a package owns the file, or it was meant by exact path or build-id */
	uint32_t carries;
	uint32_t denied; /* what it would carry if it were trusted */
	uint64_t exempt, secrets;
	const struct profile *primary;
	const struct profile *families[FAMILIES]; /* NULL: not judged */
	const struct profile *watcher, *anywhere; /* judged for descendants, for any frame */
	bool is_pool, judges_attempts;
};

struct memo;

struct policy {
	struct pool pool;
	jmp_buf escape;
	/* texts and variables as replay needs them */
	struct policy_text *texts;
	uint32_t text_count;
	struct policy_variable *variables;
	uint32_t variable_count;
	char hash[33];
	bool has_digests; /* some match is by sha256 */
	bool has_phases;  /* some profile answers in a phase only */
	bool has_pools, has_children, has_attempts, has_dropped;
	unsigned phases;  /* enum phase of the event being judged */
	/* compiled */
	struct profile **profiles;
	uint32_t profile_count;
	struct grant *grants;
	uint32_t grant_count;
	struct guard *guards;
	uint32_t guard_count;
	struct list base[WIRE_ACTIONS], forbidden[WIRE_ACTIONS];
	struct secret_group *secrets;
	uint32_t secret_count;
	struct list secret_rules[SECRET_LISTS], secret_excepts[SECRET_LISTS];
	uint64_t after_guards; /* bits of guards that ask what was read before */
	struct accept *accepts;
	uint32_t accept_count;
	const char **redact; /* NULL-terminated, or NULL */
	uint32_t redact_count;
	uint64_t *expiries; /* sorted instants at which some rule ends */
	uint32_t expiry_count;
	/* filled while judging, about the model of this serial */
	uint64_t model_serial;
	uint64_t *grant_bits; /* per function id: the grants it opens */
	uint32_t grant_words;
	uint8_t *grant_known;
	struct policy_binding **bindings; /* by subject id */
	uint32_t binding_room;
	struct policy_binding spare_binding;
	struct chain_link **roots; /* by process id: who is charged when there is no chain */
	uint32_t root_room;
	struct subject nobody; /* and when there is no process either */
	struct chain_link nobody_link;
	struct memo *memo;
};

/* Profiles by name; open addressing, room is a power of two. */
struct name_index {
	struct profile **places;
	uint32_t count, room;
};

/* The state of one load. */
struct loader {
	struct policy *policy;
	const struct policy_options *options;
	struct reports reports;
	struct pool scratch; /* trees and messages: gone after the load */
	struct origin **origins;
	uint32_t origin_count;
	struct yaml_reader reader;
	struct name_index names;
	uint64_t merged; /* rules copied by `extends` */
	bool is_merge_full;
	struct yaml_files files;
	size_t total_bytes;
	unsigned layers;
	bool is_full; /* told that there are too many files */
};

/* schema.c */
enum schema_where {
	AT_TOP,
	AT_GRANT,
	AT_GUARD,
	AT_PROFILE,
	AT_MATCH,
	AT_NETWORK,
	AT_FILE,
	AT_EXEC,
	AT_ENV,
	AT_PEER,
	AT_HOST,
	AT_PATH,
	AT_PATHS,
	AT_PROGRAM,
	AT_NAME,
	AT_ACCEPT,
	AT_SECRET,
};
/* Reports unknown keys and wrong shapes of a mapping; false when it is none. */
bool schema_check(struct loader *loader, const struct node *node, enum schema_where where);
/* The value of key, where it has the shape the table asks for; else NULL. */
struct node *schema_get(const struct node *mapping, enum schema_where where, const char *key);
/* Where the key itself stands (its value may begin a line later); the mapping's place if absent. */
struct place schema_place(const struct node *mapping, const char *key);
const char *schema_text(const struct node *mapping, enum schema_where where, const char *key);
bool node_says(const struct node *node, const char *word);
/* Iterates a TEXTS value: the node itself, or its children. */
struct node *texts_first(struct node *value);

/* compile_redact.c */
void compile_redact(struct loader *loader, const struct node *root);

/* compile_secret.c */
void compile_secret(struct loader *loader, const struct node *node);
/* After the last file: a later layer's rules go first. */
void secrets_finish(struct policy *policy);

/* compile_match.c: one mapping of `match`, onto the profile's. */
void compile_match(struct loader *loader, const struct node *mapping, struct profile *profile);

/* compile.c */
void compile_origin(struct loader *loader, const struct node *root);
struct rule_ref ref_at(const char *profile, struct place place);
enum severity compile_severity(struct loader *loader, const struct node *mapping,
			       enum schema_where where);
uint64_t compile_expires(struct loader *loader, const struct node *mapping,
			 enum schema_where where);
/* enum phase, 0: not said */
uint8_t compile_phases(struct loader *loader, const struct node *mapping, enum schema_where where);
bool compile_attempts(struct loader *loader, const struct node *mapping, enum schema_where where);
/* A key that knows one word only. True when it stands there. */
bool only_word(struct loader *loader, const struct node *value, const char *key, const char *word);

/* family.c: the families of a profile, grant or guard into lists. */
struct family_target {
	const char *profile; /* for rule_ref */
	struct list *lists;
	struct list *families; /* NULL: grant or guard: `any` becomes a rule, `none` is an error */
	uint32_t grant, guard;
	enum severity severity;
	const char *message;
};
uint32_t compile_families(struct loader *loader, const struct node *mapping,
			  enum schema_where where, const struct family_target *target);
void list_push(struct pool *pool, struct list *list, struct rule *rule);
extern const char *const family_keys[FAMILIES];
enum family action_family(unsigned action);
const char *action_name(unsigned action);

/* rule.c: one item of a list. NULL: reported. */
struct rule *compile_rule(struct loader *loader, struct node *node, unsigned action);
struct node *loader_expand(struct loader *loader, struct node *node, bool is_glob);
bool compile_glob(struct loader *loader, const struct node *node, const char *text, size_t len,
		  enum glob_mode mode, struct glob *ret_glob);
bool compile_path(struct loader *loader, struct node *node, struct path_glob *ret_path);
/* peer.c */
bool compile_peer(struct loader *loader, struct node *mapping, struct rule *rule);
bool address_parse(const char *text, size_t len, uint8_t ret_address[16], uint8_t *ret_len);
bool address_within(const uint8_t *address, uint8_t len, const struct peer *peer);

/* layer.c */
void layer_add(struct loader *loader, struct profile *profile, const char *extends,
	       const char *replaces, const struct node *node);
void layer_finish(struct loader *loader);

/* check.c: what `policy check` warns about. Looks at this machine's file system. */
void check_policy(struct loader *loader);

/* phrase.c */
void phrase_lists(struct policy *policy, struct pool *scratch);

/* match.c */
const struct policy_binding *policy_binding_of(struct policy *policy,
					       const struct subject *subject);
/* The profiles that match a subject, the one that goes before all others first; at most max. */
struct ranked {
	const struct profile *profile;
	const struct match *match; /* by what */
};
unsigned policy_rank(const struct policy *policy, const struct subject *subject,
		     struct ranked *ret_ranked, unsigned max);

/* question.c: one event, made ready to be asked about. */
struct question {
	struct policy *policy;
	struct model *model;
	const struct item_event *event;
	const struct process *process;	  /* may be NULL */
	const struct item_target *target; /* may be NULL */
	uint64_t now_ns;		  /* realtime of the event */
	unsigned action;
	bool is_judged;	     /* its result counts */
	bool is_attempt;     /* it failed, and would count had it not */
	bool is_inner;	     /* asked to find out who started a process */
	bool wants_after;    /* of guards, only the rules that ask what was read before; else none */
	unsigned phases;     /* enum phase */
	const struct chain *chain;
	const struct subject *starter; /* its rule says that the child is not its own */
	const struct subject *asked; /* whose rules are asked, or who is charged: guards */
	bool is_unheard;     /* a rule was passed over only because a name could not be known */
	uint64_t unheard;    /* the same, bits of guards */
	struct str path, to; /* own /proc/PID is /proc/self, memfd:NAME bare */
	bool is_numeric;     /* a name that is an address */
	uint8_t address[16], address_len;
	size_t host_len;
	unsigned name_count;
	const char *names[64];
	char host[256];
	char buffers[2][4096];
};
void question_prepare(struct question *question);
/* Coarse classes of results that judging tells apart. */
enum result_class { RESULT_FAILED, RESULT_DONE, RESULT_PROGRESS, RESULT_LEFT, RESULT_AGAIN };
enum result_class result_class(int32_t result);

/* rule_match.c */
enum hit { HIT_NO, HIT_NEAR, HIT_YES }; /* near: only ports, arguments or the date differ */
enum hit rule_match(struct question *question, const struct rule *rule, struct str path);
const struct rule *list_match(struct question *question, const struct list *list,
			      const struct rule **near);
bool grant_holds(struct question *question, uint32_t grant);

/* allow.c */
enum answer_kind { ANSWER_ABSENT, ANSWER_ALLOWS, ANSWER_FORBIDS };

struct answer {
	enum answer_kind kind;
	struct rule_ref ref;
	enum severity severity;
	const char *expected, *message;
	const struct rule *rule; /* that allows; NULL: the whole list, or none */
	bool counts_attempts;
};

/* What the profiles bound to a subject say. */
void policy_ask(struct question *question, const struct policy_binding *binding,
		const struct subject *subject, struct answer *ret_answer);
bool is_own_file(const struct question *question, const struct subject *subject);
/* Its connections are to carry one request at a time. */
bool policy_wants_order(const struct policy_binding *binding);
/* Actions whose lists together grant this one, itself first. Returns how many. */
unsigned policy_granting(unsigned action, unsigned ret_actions[3]);
/* The next rule of forbidden[action] from *at on that matches, or NULL. */
const struct rule *policy_forbids(struct question *question, uint32_t *at);

/* A grant of the base allows it, to whoever has it. */
bool policy_is_granted(struct question *question);
/* Is link `at` judged for what the link charged did? judge.c */
bool policy_is_watching(const struct question *question, const struct chain *chain,
			uint32_t charged, uint32_t at);
void policy_outcome_guarded(struct outcome *outcome, const struct policy *policy,
			    const struct rule *rule, uint32_t guard);
/* All outcomes, those that wait for a secret too; remembered. */
unsigned policy_judge_all(struct policy *policy, struct model *model,
			  const struct item_event *event, struct outcome *ret_outcomes);

/* sequence.c: contacts after a secret. */
struct charge;
unsigned sequence_judge(struct question *question, const struct chain *chain,
			const struct charge *charge, struct outcome *outcomes, unsigned count);
uint8_t sequence_group(struct question *question);
/* Bits of the groups of all he has read that is not for this peer. */
uint64_t sequence_groups(struct policy *policy, struct model *model,
			 const struct item_event *event, const struct outcome *outcome);
/* Of those that wait, keeps who has read a secret that is not for this peer. */
unsigned sequence_settle(struct policy *policy, struct model *model,
			 const struct item_event *event, struct outcome *outcomes, unsigned count);

/* child.c: what the rule by which a process of the chain was started says of it, the nearest that
 * says something. */
struct child {
	enum child_mode mode;
	uint32_t end;	  /* last link of that process */
	uint32_t starter; /* link whose rule it is */
};
void child_find(struct question *question, const struct chain *chain, struct child *ret_child);

/* The link that link `at` is judged before: the next one, but for a shared pool's thread, which has
 * no origin but its process. */
uint32_t charge_next(struct policy *policy, const struct chain *chain, uint32_t at);

/* charge.c */
struct charge {
	uint32_t at;	    /* link charged */
	uint32_t judged_at; /* whose profile: at, or further out */
	bool is_profiled, is_outermost;
	enum chain_method method;
	const char *method_name, *reason;
	struct answer answer;
};
void policy_charge(struct question *question, const struct chain *chain, struct charge *ret_charge);

/* judge.c */
void judge_done(struct policy *policy);

#endif
