// A header of many parts that are no part of any language takes time that grows with the square of its length.
package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

func main() {
	size, err := strconv.Atoi(os.Getenv("PROOF_SIZE"))
	if err != nil {
		os.Exit(3)
	}
	// The fixed version refuses a header of so many parts; that is no failure of the program.
	_, _, _ = language.ParseAcceptLanguage("en"+strings.Repeat("-abcdefghi", size))
}
