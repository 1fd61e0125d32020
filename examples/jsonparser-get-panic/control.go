// Paths that name something find it, and one that names nothing says so.
package main

import (
	"os"

	"github.com/buger/jsonparser"
)

func main() {
	second, err := jsonparser.GetInt([]byte(`[1, 2]`), "[1]")
	if err != nil || second != 2 {
		os.Exit(3)
	}
	if _, _, _, err := jsonparser.Get([]byte(`{"a": 1}`), "b"); err == nil {
		os.Exit(3)
	}
}
