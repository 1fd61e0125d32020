// Go's own order: golang.org/x/mod/semver. Reads lines of two versions with a tab between them, writes <, = or >, or ! for
// what it refuses.
package main

import (
	"bufio"
	"os"
	"strings"

	"golang.org/x/mod/semver"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		a, b, _ := strings.Cut(lines.Text(), "\t")
		if semver.IsValid(a) && semver.IsValid(b) {
			out.WriteByte("<=>"[semver.Compare(a, b)+1])
		} else {
			out.WriteByte('!')
		}
		out.WriteByte('\n')
	}
}
