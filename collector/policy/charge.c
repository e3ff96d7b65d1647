/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is charged: from the call outward, the first subject that does not pass the action on.
 * A subject that passes it on but may do it by its own rules did it for itself.
 */
#include "policy_inner.h"

/* The walk so far. */
struct walk {
	struct question *question;
	const struct chain *chain;
	struct charge *charge;
	uint32_t at;
	uint32_t unprofiled; /* 1 + the first executable without profile that was stepped over */
	uint32_t stranger;   /* 1 + the first library that is only called like a carrier */
	uint32_t script;     /* 1 + the script of an unknown interpreter, whose rules allow this */
	bool has_inferred, has_carried, is_interpreted;
	bool knows_end; /* it went on from a link that was seen to the end of that process, which no
			   cut in its stack hides */
	bool has_code; /* made at run time: what called it was found by its frame pointer */
};

static const struct policy_binding *bind_link(const struct walk *walk, uint32_t at)
{
	return policy_bind(walk->question->policy, walk->chain->links[at].subject);
}

/* The code that runs on a pool's thread is between the pool and its task: the outermost that is no
 * conduit says what thread this is. */
static bool is_pooled(struct policy *policy, const struct chain *chain, uint32_t at)
{
	for (uint32_t i = at + 1; i-- > 0;) {
		if (i < at && (chain->links[i].starts_thread || chain->links[i].starts_process))
			return false;
		const struct policy_binding *binding =
			policy_bind(policy, chain->links[i].subject);
		if (!policy_is_conduit(binding))
			return binding->is_pool;
	}
	return false;
}

/* Last link of the process that link `at` ran in. */
static uint32_t process_end(const struct chain *chain, uint32_t at)
{
	while (at + 1 < chain->count && !chain->links[at].starts_process)
		at++;
	return at;
}

uint32_t charge_next(struct policy *policy, const struct chain *chain, uint32_t at)
{
	if (!policy->has_pools || !chain->links[at].starts_thread || at + 1 >= chain->count ||
	    !is_pooled(policy, chain, at))
		return at + 1;
	uint32_t end = process_end(chain, at + 1), to = end;
	while (to > at + 1 && chain->links[to].subject->kind != SUBJECT_EXECUTABLE)
		to--;
	return chain->links[to].subject->kind == SUBJECT_EXECUTABLE ? to : end;
}

/* What the script of an interpreter that nobody vouches for says: a dropped program could name any
 * script as its own to get off lightly, so the script's rules bind it besides its starter's. True
 * when it is the script's affair. */
static bool ask_script(struct walk *walk, uint32_t end)
{
	const struct chain_link *link = &walk->chain->links[end];
	const struct policy_binding *binding = bind_link(walk, end);
	struct answer answer;
	if (end + 1 >= walk->chain->count)
		return true; /* there is no starter whose rules it could get round */
	policy_ask(walk->question, binding, link->subject, &answer);
	if (answer.kind == ANSWER_ALLOWS && !walk->script)
		walk->script = end + 1;
	return answer.kind == ANSWER_FORBIDS;
}

/* Goes to link `to`; sentences ask of those in between whether they are conduits. */
static bool jump(struct walk *walk, uint32_t to)
{
	while (walk->at < to)
		bind_link(walk, walk->at++);
	return true;
}

/* Where to go on from an executable without profile: to the script it interprets, or to who
 * started the process. False when it is the root. */
static bool step_over(struct walk *walk, bool is_trusted)
{
	const struct chain *chain = walk->chain;
	uint32_t end = process_end(chain, walk->at);
	walk->knows_end |= walk->at < chain->seen_count;
	bool has_script = end > walk->at && chain->links[end].subject->kind == SUBJECT_SCRIPT;
	if (has_script && (is_trusted || ask_script(walk, end))) {
		walk->is_interpreted = true;
		return jump(walk, end);
	}
	if (end + 1 >= chain->count)
		return false;
	if (!walk->unprofiled)
		walk->unprofiled = walk->at + 1;
	return jump(walk, end + 1);
}

/* The walk ends at an unprofiled subject: the first on the way that nobody answers for. */
static void stop_unprofiled(struct walk *walk)
{
	struct charge *charge = walk->charge;
	uint32_t first = walk->stranger ? walk->stranger : walk->unprofiled;
	charge->is_profiled = walk->script;
	charge->answer = (struct answer){.severity = SEVERITY_MEDIUM};
	if (walk->script) {
		first = walk->script;
		policy_ask(walk->question, bind_link(walk, first - 1),
			   walk->chain->links[first - 1].subject, &charge->answer);
	}
	charge->at = charge->judged_at = first ? first - 1 : walk->at;
	if (charge->is_profiled)
		charge->reason = "the script its process was started with";
	else
		charge->reason = charge->at == walk->at && !walk->has_carried
					 ? "its code made the call"
					 : "nearest on the stack that does not pass this on";
}

/* The executable (or its own files) reads what it may read, whoever's profile is asked. */
static void ask_link(struct walk *walk, const struct policy_binding *binding)
{
	struct charge *charge = walk->charge;
	const struct chain_link *links = walk->chain->links;
	policy_ask(walk->question, binding, links[walk->at].subject, &charge->answer);
	if (charge->answer.kind == ANSWER_FORBIDS && walk->unprofiled &&
	    is_own_file(walk->question, links[walk->unprofiled - 1].subject))
		charge->answer.kind = ANSWER_ALLOWS;
}

static void stop_profiled(struct walk *walk, bool carries)
{
	struct charge *charge = walk->charge;
	charge->at = charge->judged_at = walk->at;
	charge->is_profiled = true;
	if (walk->stranger) {
		charge->at = walk->stranger - 1;
		charge->reason = "its code made the call; no package owns it, so it passes nothing "
				 "on, and who called it answers for it";
	} else if (walk->unprofiled) {
		charge->reason = "it started the process, whose executable has no profile";
	} else if (walk->is_interpreted) {
		charge->reason = "the script its process was started with";
	} else if (carries) {
		charge->reason = "its own rules allow this, so it did it for itself";
	} else if (walk->has_carried) {
		charge->reason = "nearest on the stack that does not pass this on";
	} else {
		charge->reason = "its code made the call";
	}
}

/* Everybody passes it on: the outermost executable or script, unless a process without profile
 * did it and the outermost has nothing to say about it. */
static void stop_outermost(struct walk *walk)
{
	const struct chain *chain = walk->chain;
	struct charge *charge = walk->charge;
	uint32_t at = chain->count - 1;
	for (uint32_t i = chain->count; i-- > 0;) {
		enum subject_kind kind = chain->links[i].subject->kind;
		if (kind == SUBJECT_EXECUTABLE || kind == SUBJECT_SCRIPT) {
			at = i;
			break;
		}
	}
	walk->at = at;
	const struct policy_binding *binding = bind_link(walk, at);
	charge->is_profiled = binding->is_profiled;
	ask_link(walk, binding);
	if ((walk->unprofiled || walk->stranger) && charge->answer.kind == ANSWER_ABSENT) {
		stop_unprofiled(walk);
		return;
	}
	charge->at = walk->stranger ? walk->stranger - 1 : at;
	charge->judged_at = at;
	charge->is_outermost = true;
	charge->reason = "everything on the stack passes this on";
}

static bool is_stranger(const struct walk *walk, const struct policy_binding *binding)
{
	return binding->denied >> walk->question->action & 1 &&
	       walk->chain->links[walk->at].subject->kind == SUBJECT_LIBRARY;
}

/* Text given to an interpreter (-c, standard input) is the act of who started it, as a program that
 * has no profile is. */
static bool is_given_text(const struct subject *subject)
{
	return subject->kind == SUBJECT_SCRIPT && *subject->path != '/';
}

/* The code that an executable made at run time is the executable's. */
static bool is_executables(const struct subject *subject)
{
	while (subject->kind == SUBJECT_CODE && subject->maker)
		subject = subject->maker;
	return subject->kind == SUBJECT_EXECUTABLE;
}

/* True when the walk ended. */
static bool walk_link(struct walk *walk)
{
	const struct chain_link *link = &walk->chain->links[walk->at];
	const struct policy_binding *binding = bind_link(walk, walk->at);
	walk->has_inferred |= link->is_inferred;
	if (!binding->is_profiled) {
		if ((is_executables(link->subject) || is_given_text(link->subject)) &&
		    step_over(walk, binding->is_trusted))
			return false;
		stop_unprofiled(walk);
		return true;
	}
	bool carries = binding->carries >> walk->question->action & 1;
	ask_link(walk, binding);
	/* A child that is only called like a program whose profile does not speak about this is a
	 * child without profile: a dropped /tmp/curl does not get its starter off. */
	if (walk->charge->answer.kind == ANSWER_ABSENT && !binding->is_trusted &&
	    is_executables(link->subject) && step_over(walk, false))
		return false;
	/* A library that is only called like a carrier carries nothing, and it does not go unjudged
	 * for that either: it is charged, its caller's profile decides. */
	if (walk->charge->answer.kind == ANSWER_ABSENT && is_stranger(walk, binding)) {
		if (!walk->stranger)
			walk->stranger = walk->at + 1;
		walk->at = charge_next(walk->question->policy, walk->chain, walk->at);
		return false;
	}
	if (carries && walk->charge->answer.kind != ANSWER_ALLOWS) {
		walk->has_carried = true;
		walk->has_code |= link->subject->kind == SUBJECT_CODE;
		walk->at = charge_next(walk->question->policy, walk->chain, walk->at);
		return false;
	}
	stop_profiled(walk, carries);
	return true;
}

/* Code whose maker is not known. */
static bool is_nobodys(const struct subject *subject)
{
	while (subject->kind == SUBJECT_CODE && subject->maker)
		subject = subject->maker;
	return subject->kind == SUBJECT_CODE;
}

/* How many links are known to be those that were asked. */
static uint32_t count_known(const struct walk *walk)
{
	const struct chain *chain = walk->chain;
	bool has_tail = walk->knows_end && chain->tail_seen_count > chain->seen_count;
	return has_tail ? chain->tail_seen_count : chain->seen_count;
}

static void name_method(struct walk *walk)
{
	struct charge *charge = walk->charge;
	charge->method = METHOD_EXACT;
	charge->method_name = charge->is_outermost ? "outermost" : "exact";
	if (charge->judged_at >= count_known(walk)) {
		charge->method = METHOD_PARTIAL;
		charge->method_name = "partial";
		charge->reason = "the stack was cut short, who asked may be beyond the cut";
		if (is_nobodys(walk->chain->links[charge->at].subject))
			charge->reason = "nobody was seen making the memory that this code is in";
	} else if (walk->has_code) {
		charge->method = METHOD_INFERRED;
		if (!charge->is_outermost)
			charge->method_name = "inferred";
		charge->reason = "found by the frame pointer of code that was made at run time";
	} else if (walk->has_inferred) {
		charge->method = METHOD_INFERRED;
		if (!charge->is_outermost)
			charge->method_name = "inferred";
		if (walk->chain->links[charge->at].is_inferred)
			charge->reason = "a tail call took it off the stack";
	}
}

/* The starter's rule says that what the child does is its own act. */
static void stop_starter(struct walk *walk, uint32_t starter)
{
	struct charge *charge = walk->charge;
	walk->at = charge->at = charge->judged_at = starter;
	charge->is_profiled = true;
	charge->reason = "it started the process, and its rule says that the child's acts are its own";
	ask_link(walk, bind_link(walk, starter));
}

static void stop_free(struct walk *walk)
{
	struct charge *charge = walk->charge;
	charge->answer = (struct answer){.severity = SEVERITY_MEDIUM};
	charge->is_profiled = true;
	charge->reason = "who started its process lets it do anything";
}

void policy_charge(struct question *question, const struct chain *chain, struct charge *ret_charge)
{
	struct walk walk = {.question = question, .chain = chain, .charge = ret_charge};
	struct child child = {.mode = CHILD_UNSAID};
	struct chain own;
	bool is_over = false;
	*ret_charge = (struct charge){0};
	if (question->policy->has_children && !question->is_inner)
		child_find(question, chain, &child);
	if (child.mode == CHILD_OWN || child.mode == CHILD_FREE) {
		question->starter = chain->links[child.starter].subject;
		own = *chain;
		own.count = child.end + 1;
		walk.chain = &own;
		chain = &own;
	} else if (child.mode == CHILD_MINE) {
		stop_starter(&walk, child.starter);
		name_method(&walk);
		return;
	}
	while (!is_over && walk.at < chain->count)
		is_over = walk_link(&walk);
	if (!is_over)
		stop_outermost(&walk);
	if (child.mode == CHILD_FREE)
		stop_free(&walk);
	name_method(&walk);
}
