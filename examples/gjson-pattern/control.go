// An ordinary pattern finds what it should and nothing else.
package main

import (
	"os"

	"github.com/tidwall/gjson"
)

func main() {
	text := `[{"k":"one"},{"k":"two"}]`
	if gjson.Get(text, `#(k%"t*").k`).String() != "two" || gjson.Get(text, `#(k%"x*").k`).Exists() {
		os.Exit(3)
	}
}
