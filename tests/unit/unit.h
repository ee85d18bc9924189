/* SPDX-License-Identifier: MIT */
/* What the unit tests of the programs have in common. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "pyprof/compiler.h"

/* Run the tests of a module; returns an exit status. */
static inline int unit_run(const char *module, const TTest **tests,
			   size_t count)
{
	Suite *suite = suite_create(module);
	TCase *tcase = tcase_create(module);
	SRunner *runner = srunner_create(suite);
	int failed;
	size_t i;

	for (i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

/* The end of a test program: UNIT_MAIN(module, test, test...) */
#define UNIT_MAIN(module, ...)                                                 \
	int main(void)                                                         \
	{                                                                      \
		const TTest *tests[] = { __VA_ARGS__ };                        \
                                                                               \
		return unit_run(#module, tests, ARRAY_LEN(tests));             \
	}

#endif
