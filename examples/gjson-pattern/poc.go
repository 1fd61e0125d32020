// A pattern with a few stars, on a text that nearly matches: the work grows with a high power of the text's length.
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
	text := strings.Repeat("a", size)
	pattern := "*a*a*a*b"
	_ = gjson.Get(`[{"k":"`+text+`"}]`, `#(k%"`+pattern+`")`).Exists()
}
