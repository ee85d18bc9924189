/* SPDX-License-Identifier: MIT */
/*
 * Loads the plug-in $PLUGIN that brings libpython along, and runs it in the
 * mode of its first argument; $SCOPE is local or global. For embed.py.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *scope = getenv("SCOPE");
	int local = scope && strcmp(scope, "local") == 0;
	void *h = dlopen(getenv("PLUGIN"),
			 RTLD_NOW | (local ? RTLD_LOCAL : RTLD_GLOBAL));
	int (*plugin_main)(const char *) =
		h ? (int (*)(const char *))dlsym(h, "plugin_main") : NULL;

	if (!plugin_main) {
		fprintf(stderr, "%s\n", dlerror());
		return 99;
	}
	return plugin_main(argc > 1 ? argv[1] : "simple");
}
