/* dpkg's own order: libdpkg. Reads lines of two versions with a tab between them, writes <, = or >, or ! for what it refuses. */
#define LIBDPKG_VOLATILE_API
#include <dpkg/dpkg.h>
#include <dpkg/dpkg-db.h>
#include <dpkg/error.h>
#include <dpkg/version.h>
#include <stdio.h>
#include <string.h>

static int readable(struct dpkg_version *version, const char *text)
{
	struct dpkg_error error = DPKG_ERROR_INIT;
	int failed = parseversion(version, text, &error);

	int read = failed >= 0 || error.type == DPKG_MSG_WARN;

	dpkg_error_destroy(&error);
	return read;
}

int main(void)
{
	static char line[4096];

	while (fgets(line, sizeof line, stdin)) {
		struct dpkg_version a, b;
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\n")] = 0;
		if (!tab)
			return 2;
		*tab = 0;
		if (readable(&a, line) && readable(&b, tab + 1)) {
			int order = dpkg_version_compare(&a, &b);

			puts(order < 0 ? "<" : order > 0 ? ">" : "=");
		} else {
			puts("!");
		}
	}
	return 0;
}
