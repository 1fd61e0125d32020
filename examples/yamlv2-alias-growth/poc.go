// A list that is named once and used many times: the work grows with the square of the document's length.
package main

import (
	"os"
	"strconv"
	"strings"

	"gopkg.in/yaml.v2"
)

func main() {
	size, err := strconv.Atoi(os.Getenv("PROOF_SIZE"))
	if err != nil {
		os.Exit(3)
	}
	document := "a: &a [" + strings.Repeat("x,", size) + "]\nb: [" + strings.Repeat("*a,", size) + "]\n"
	var value interface{}
	// The fixed version refuses the document; that is no failure of the program.
	_ = yaml.Unmarshal([]byte(document), &value)
}
