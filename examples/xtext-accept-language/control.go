// An ordinary header is read as it should be.
package main

import (
	"os"

	"golang.org/x/text/language"
)

func main() {
	tags, weights, err := language.ParseAcceptLanguage("nn;q=0.3, en-us;q=0.8, de")
	if err != nil || len(tags) != 3 || len(weights) != 3 || tags[0].String() != "de" {
		os.Exit(3)
	}
}
