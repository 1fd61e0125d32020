// A pattern with many stars, on a text that nearly matches.
package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

func main() {
	size, err := strconv.Atoi(os.Getenv("PROOF_SIZE"))
	if err != nil {
		os.Exit(3)
	}
	text := strings.Repeat("a", 2*size)
	pattern := strings.Repeat("*a", size) + "*b"
	_ = gjson.Get(`[{"k":"`+text+`"}]`, `#(k%"`+pattern+`")`).Exists()
}
