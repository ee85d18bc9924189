/* SPDX-License-Identifier: MIT */
/* pstats' restrictions on a list of rows; see limit.h. */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	limit->word = word;
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

/* A number as Python's repr() has it: as short as tells it from others. */
static void add_fraction(struct text *to, double fraction)
{
	char digits[32];
	int precision = 0;

	do
		snprintf(digits, sizeof(digits), "%.*g", ++precision, fraction);
	while (precision < 17 && strtod(digits, NULL) != fraction);
	text_adds(to, digits);
	if (digits[strspn(digits, "0123456789")] == '\0')
		text_adds(to, ".0");
}

static void add_restriction(struct text *to, const struct limit *limit)
{
	switch (limit->kind) {
	case LIMIT_COUNT:
		text_addf(to, "%zu", limit->count);
		break;
	case LIMIT_FRACTION:
		add_fraction(to, limit->fraction);
		break;
	case LIMIT_REGEX:
		text_addc(to, '\'');
		text_add_printable(to, limit->word, 0);
		text_addc(to, '\'');
		break;
	}
}

size_t limits_apply(const struct limits *l, struct row *rows, size_t count,
		    struct text *said)
{
	size_t i, before;

	for (i = 0; i < l->count; i++) {
		before = count;
		count = apply(&l->list[i], rows, before);
		if (count == before)
			continue;
		text_addf(said, "   List reduced from %zu to %zu", before,
			  count);
		text_adds(said, " due to restriction <");
		add_restriction(said, &l->list[i]);
		text_adds(said, ">\n");
	}
	return count;
}
