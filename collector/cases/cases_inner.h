/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of this folder only. case_load.c reads files, case_read.c makes cases of
 * them with case_chain.c, case_object.c and case_expect.c, case_keys.c takes mappings apart;
 * case_build.c makes items of a case, case_judge.c has them judged.
 */
#ifndef SOWATCH_CASES_INNER_H
#define SOWATCH_CASES_INNER_H

#include "../policy/yaml.h"
#include "../policy/yaml_files.h"
#include "cases.h"

struct cases_loader {
	struct reports reports;
	struct yaml_reader reader;
	uint32_t files;
	struct yaml_files file_reader;
};

/* case_keys.c: the tables of keys */
enum case_where { IN_TOP, IN_CASE, IN_SUBJECT, IN_OBJECT, IN_PROCESS, IN_EXPECT, IN_ALERT };
bool case_check_keys(struct cases *cases, const struct node *mapping, enum case_where where);
struct node *case_get(const struct node *mapping, const char *key);
/* The text of key, "" when it is not there; a list or mapping is an error. */
const char *case_text(struct cases *cases, const struct node *mapping, const char *key);
/* The same, one of the words (NULL-terminated): its index, or -1: not there or told. */
int case_word(struct cases *cases, const struct node *mapping, const char *key,
	      const char *const *words);
/* A number from 0 to max; otherwise when it is not there. */
uint64_t case_number(struct cases *cases, const struct node *mapping, const char *key, uint64_t max,
		     uint64_t otherwise);
/* The list "argv" as logs have it: each argument with a NUL behind it. */
struct str case_argv(struct cases *cases, const struct node *mapping);
bool case_bool(struct cases *cases, const struct node *mapping, const char *key);

/* case_read.c, case_chain.c, case_object.c, case_expect.c */
void case_read_file(struct cases *cases, const struct node *root);
void case_read_chain(struct cases *cases, struct node *node, struct case_chain *ret_chain);
void case_read_object(struct cases *cases, struct node *node, unsigned action,
		      struct case_object *ret_object);
void case_read_expect(struct cases *cases, struct node *node, struct test_case *test);
void case_read_alerts(struct cases *cases, struct node *node, struct test_case *test);

/* case_build.c: the items of a case. false: *ret_problem says why; the model is to be freed. */
struct case_made {
	struct model *model;
	struct item_event event;
	struct item_event before[CASE_SECRETS_MAX]; /* each before that */
};
bool case_build(struct cases *cases, const struct test_case *test, uint32_t at,
		struct case_made *ret_made, const char **ret_problem);

#endif
