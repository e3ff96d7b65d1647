/* SPDX-License-Identifier: Apache-2.0 */
#include "sarif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

struct sarif {
	json_t *rules, *results, *notes;
	json_t *ids; /* rule id -> its index */
	char *command;
};

static const char *level_name(enum sarif_level level)
{
	return level == SARIF_ERROR ? "error" : level == SARIF_WARNING ? "warning" : "note";
}

static json_t *message_of(const char *text)
{
	return json_pack("{s:o}", "text", json_text(text));
}

struct sarif *sarif_new(const char *command)
{
	struct sarif *sarif = calloc(1, sizeof(*sarif));
	if (!sarif)
		return NULL;
	sarif->rules = json_array();
	sarif->results = json_array();
	sarif->notes = json_array();
	sarif->ids = json_object();
	sarif->command = strdup(command);
	if (sarif->rules && sarif->results && sarif->notes && sarif->ids && sarif->command)
		return sarif;
	sarif_free(sarif);
	return NULL;
}

void sarif_free(struct sarif *sarif)
{
	if (!sarif)
		return;
	json_decref(sarif->rules);
	json_decref(sarif->results);
	json_decref(sarif->notes);
	json_decref(sarif->ids);
	free(sarif->command);
	free(sarif);
}

int sarif_add_rule(struct sarif *sarif, const char *id, const char *description,
		   enum sarif_level level)
{
	if (json_object_get(sarif->ids, id))
		return 0;
	json_t *rule = json_pack("{s:o, s:o, s:{s:s}}", "id", json_text(id), "shortDescription",
				 message_of(description), "defaultConfiguration", "level",
				 level_name(level));
	json_int_t index = (json_int_t)json_array_size(sarif->rules);
	if (!rule || json_array_append_new(sarif->rules, rule) ||
	    json_object_set_new_nocheck(sarif->ids, id, json_integer(index)))
		return -ENOMEM;
	return 0;
}

int sarif_add_note(struct sarif *sarif, enum sarif_level level, const char *message)
{
	json_t *note =
		json_pack("{s:s, s:o}", "level", level_name(level), "message", message_of(message));
	return json_array_append_new(sarif->notes, note) ? -ENOMEM : 0;
}

/* A path becomes a URI reference: everything but what may stand there is %XX. */
static json_t *uri_of(const char *path)
{
	static const char hex[] = "0123456789ABCDEF";
	struct text uri = {0};
	text_clear(&uri);
	if (*path == '/')
		text_add(&uri, "file://");
	for (const char *at = path; *at; at++) {
		unsigned char c = (unsigned char)*at;
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || strchr("/-._~+@", c);
		char escaped[4] = {is_plain ? (char)c : '%', hex[c >> 4], hex[c & 15], 0};
		escaped[is_plain ? 1 : 3] = 0;
		text_add(&uri, escaped);
	}
	return json_take(&uri);
}

static json_t *location_of(const struct sarif_result *result)
{
	json_t *location = json_object();
	if (result->file) {
		json_t *physical =
			json_pack("{s:{s:o}}", "artifactLocation", "uri", uri_of(result->file));
		if (result->line) {
			json_t *region = json_pack("{s:i}", "startLine", (int)result->line);
			if (result->column)
				json_object_set_new(region, "startColumn",
						    json_integer(result->column));
			json_object_set_new(physical, "region", region);
		}
		json_object_set_new(location, "physicalLocation", physical);
	}
	if (result->name) {
		json_t *logical = json_pack("{s:o}", "name", json_text(result->name));
		if (result->name_kind)
			json_object_set_new(logical, "kind", json_text(result->name_kind));
		json_object_set_new(location, "logicalLocations", json_pack("[o]", logical));
	}
	return location;
}

static json_t *frame_of(const struct sarif_frame *frame)
{
	json_t *object = json_pack("{s:o}", "module", json_text(frame->module));
	json_t *location = json_object();
	if (frame->kind)
		json_object_set_new(location, "logicalLocations",
				    json_pack("[{s:o, s:o}]", "name", json_text(frame->module),
					      "kind", json_text(frame->kind)));
	if (frame->offset)
		json_object_set_new(location, "physicalLocation",
				    json_pack("{s:{s:I, s:s}}", "address", "relativeAddress",
					      (json_int_t)(frame->offset & INT64_MAX), "kind",
					      "instruction"));
	json_object_set_new(object, "location", location);
	return object;
}

static json_t *stack_of(const struct sarif_result *result)
{
	json_t *frames = json_array();
	for (unsigned i = 0; i < result->frame_count; i++)
		json_array_append_new(frames, frame_of(&result->frames[i]));
	json_t *stack = json_pack("{s:o}", "frames", frames);
	if (result->stack)
		json_object_set_new(stack, "message", message_of(result->stack));
	return stack;
}

int sarif_add(struct sarif *sarif, const struct sarif_result *result)
{
	int error = sarif_add_rule(sarif, result->rule, result->rule, result->level);
	json_t *index = error ? NULL : json_object_get(sarif->ids, result->rule);
	json_t *object = index ? json_pack("{s:o, s:O, s:s, s:o}", "ruleId",
					   json_text(result->rule), "ruleIndex", index, "level",
					   level_name(result->level), "message",
					   message_of(result->message))
			       : NULL;
	if (!object) {
		json_decref(result->properties);
		return -ENOMEM;
	}
	if (result->file || result->name)
		json_object_set_new(object, "locations", json_pack("[o]", location_of(result)));
	if (result->fingerprint)
		json_object_set_new(
			object, "partialFingerprints",
			json_pack("{s:o}", "sowatch/v1", json_text(result->fingerprint)));
	if (result->frame_count)
		json_object_set_new(object, "stacks", json_pack("[o]", stack_of(result)));
	if (result->properties)
		json_object_set_new(object, "properties", result->properties);
	return json_array_append_new(sarif->results, object) ? -ENOMEM : 0;
}

int sarif_write(const struct sarif *sarif, FILE *stream)
{
	json_t *driver = json_pack("{s:s, s:s, s:s, s:O}", "name", "sowatch", "fullName",
				   sarif->command, "version", SOWATCH_VERSION, "rules",
				   sarif->rules);
	json_t *run = json_pack("{s:{s:o}, s:O, s:s}", "tool", "driver", driver, "results",
				sarif->results, "columnKind", "unicodeCodePoints");
	if (run && json_array_size(sarif->notes))
		json_object_set_new(run, "invocations",
				    json_pack("[{s:b, s:O}]", "executionSuccessful", 1,
					      "toolExecutionNotifications", sarif->notes));
	json_t *root = json_pack("{s:s, s:s, s:[o]}", "$schema", SARIF_SCHEMA, "version", "2.1.0",
				 "runs", run);
	char *dump = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	if (!dump)
		return -ENOMEM;
	errno = 0;
	bool is_written = fputs(dump, stream) >= 0 && fputc('\n', stream) != EOF;
	free(dump);
	return is_written ? 0 : errno ? -errno : -EIO;
}
