/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch policy fmt: policy files in canonical form.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_cli.h"

#define FILE_BYTES_MAX (8u << 20)

struct fmt_options {
	bool is_writing, is_checking;
	bool has_difference;
};

/* Whole contents, to be freed; 0 or negative errno. */
static int read_all(FILE *file, char **ret_text, size_t *ret_len)
{
	char *text = malloc(FILE_BYTES_MAX + 1);
	if (!text)
		return -ENOMEM;
	size_t len = fread(text, 1, FILE_BYTES_MAX + 1, file);
	int error = ferror(file) ? -EIO : len > FILE_BYTES_MAX ? -EFBIG : 0;
	if (error) {
		free(text);
		return error;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	int error = read_all(file, ret_text, ret_len);
	fclose(file);
	return error;
}

static int write_descriptor(int fd, const char *text, size_t len, mode_t mode)
{
	for (size_t done = 0; done < len;) {
		ssize_t wrote = write(fd, text + done, len - done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		done += (size_t)wrote;
	}
	return fchmod(fd, mode) || fsync(fd) ? -errno : 0;
}

/* Beside it and then in its place: nobody ever reads half a policy. Links stay links. */
static int write_file(const char *path, const char *text, size_t len)
{
	char real[PATH_MAX], beside[PATH_MAX + 16];
	struct stat status;
	if (!realpath(path, real) || stat(real, &status))
		return -errno;
	char *name = strrchr(real, '/');
	snprintf(beside, sizeof(beside), "%.*s/.%s.XXXXXX", (int)(name - real), real, name + 1);
	int fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = write_descriptor(fd, text, len, status.st_mode & 07777);
	if (!error && fchown(fd, status.st_uid, status.st_gid) && errno != EPERM)
		error = -errno;
	if (close(fd) && !error)
		error = -errno;
	if (!error && rename(beside, real))
		error = -errno;
	if (error)
		unlink(beside);
	return error;
}

static int use_result(struct fmt_options *options, const char *path, bool is_same, const char *text,
		      size_t len)
{
	options->has_difference |= !is_same;
	if (options->is_checking) {
		if (!is_same)
			printf("%s\n", path);
		return 0;
	}
	if (!options->is_writing) {
		fwrite(text, 1, len, stdout);
		return 0;
	}
	return is_same ? 0 : write_file(path, text, len);
}

/* path NULL: standard input. An exit status. */
static int format_file(struct fmt_options *options, const char *path)
{
	const char *name = path ? path : "<stdin>";
	char *text = NULL, *result = NULL;
	size_t len = 0, result_len = 0;
	int error = path ? read_file(path, &text, &len) : read_all(stdin, &text, &len);
	if (error) {
		cli_error("%s cannot be read: %s", name, strerror(-error));
		return CLI_USAGE;
	}
	error = policy_format(name, text, len, stderr, &result, &result_len);
	int status = error ? CLI_USAGE : CLI_OK;
	if (error && error != -EINVAL)
		cli_error("%s: %s", name, strerror(-error));
	if (!error) {
		bool is_same = result_len == len && !memcmp(result, text, len);
		error = use_result(options, name, is_same, result, result_len);
		if (error) {
			cli_error("%s cannot be written: %s", name, strerror(-error));
			status = CLI_USAGE;
		}
	}
	free(text);
	free(result);
	return status;
}

int cli_policy_fmt(int argc, char **argv)
{
	static const struct cli_usage usage = {
		.verb = "policy fmt",
		.operands = "[FILE]...",
		.about = "Puts policy files into canonical form: the same policy, the same "
			 "comments. Without -w it is\nprinted; without a FILE, or for -, standard "
			 "input is taken.\nExit status: 0, 1 with --check when something would "
			 "change, 2 a file that is not a policy."};
	struct fmt_options fmt = {0};
	const struct cli_option options[] = {
		{"write", 'w', CLI_FLAG, NULL, "change the files in place", &fmt.is_writing},
		{"check", 0, CLI_FLAG, NULL, "only name the files that would change",
		 &fmt.is_checking},
		{0}};
	int first = 0, status = CLI_OK, result = cli_parse(&usage, options, argc, argv, &first);
	if (result)
		return result < 0 ? CLI_USAGE : CLI_OK;
	if (fmt.is_writing && (fmt.is_checking || first == argc)) {
		cli_error(fmt.is_checking ? "policy fmt: --write or --check, not both"
					  : "policy fmt --write: which file?");
		return CLI_USAGE;
	}
	if (first == argc)
		status = format_file(&fmt, NULL);
	for (int i = first; i < argc; i++) {
		bool is_input = !strcmp(argv[i], "-") && !fmt.is_writing;
		int one = format_file(&fmt, is_input ? NULL : argv[i]);
		status = one ? one : status;
	}
	int flushed = cli_policy_flush();
	if (status || flushed)
		return status ? status : flushed;
	return fmt.is_checking && fmt.has_difference ? 1 : CLI_OK;
}
