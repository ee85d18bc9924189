/* SPDX-License-Identifier: MIT */
/* pstats' restrictions on a list of rows; see limit.h. */
#include "limit.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static int parse_number(struct limit *limit, const char *word, struct err *err)
{
	char *end;

	if (word[strspn(word, "0123456789")] == '\0') {
		limit->kind = LIMIT_COUNT;
		limit->count = strtoull(word, NULL, 10);
		return 0;
	}
	limit->kind = LIMIT_FRACTION;
	limit->fraction = strtod(word, &end);
	if (*end || !(limit->fraction >= 0.0 && limit->fraction <= 1.0))
		return err_set(err, "not a fraction from 0.0 to 1.0");
	return 0;
}

static int parse_regex(struct limit *limit, const char *word, struct err *err)
{
	int failed;

	limit->kind = LIMIT_REGEX;
	failed = regcomp(&limit->regex, word, REG_EXTENDED | REG_NOSUB);
	if (!failed)
		return 0;
	regerror(failed, &limit->regex, err->text, sizeof(err->text));
	return -1;
}

int limits_add(struct limits *l, const char *word, struct err *err)
{
	bool number = *word && word[strspn(word, "0123456789.")] == '\0';
	struct limit *limit = &l->list[l->count];
	int result;

	if (l->count == LIMITS_MAX)
		return err_set(err, "more than %d limits", LIMITS_MAX);
	result = number ? parse_number(limit, word, err)
			: parse_regex(limit, word, err);
	if (result == 0)
		l->count++;
	return result;
}

void limits_done(struct limits *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (l->list[i].kind == LIMIT_REGEX)
			regfree(&l->list[i].regex);
}

static size_t keep_matching(const regex_t *regex, struct row *rows,
			    size_t count)
{
	struct text name = { 0 };
	size_t i, kept = 0;

	for (i = 0; i < count; i++) {
		text_clear(&name);
		text_addf(&name, "%s:%u(%s)", rows[i].file, rows[i].line,
			  rows[i].name);
		if (regexec(regex, text_get(&name), 0, NULL, 0) == 0)
			rows[kept++] = rows[i];
	}
	text_done(&name);
	return kept;
}

static size_t apply(const struct limit *limit, struct row *rows, size_t count)
{
	switch (limit->kind) {
	case LIMIT_COUNT:
		return limit->count < count ? limit->count : count;
	case LIMIT_FRACTION:
		return (size_t)((double)count * limit->fraction + 0.5);
	case LIMIT_REGEX:
		return keep_matching(&limit->regex, rows, count);
	}
	return count;
}

size_t limits_apply(const struct limits *l, struct row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		count = apply(&l->list[i], rows, count);
	return count;
}
