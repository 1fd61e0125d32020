// Looking up a path that names nothing must say so. Where it panics instead, the property is broken.
package main

import (
	"os"

	"github.com/buger/jsonparser"
)

func main() {
	defer func() {
		if recover() != nil {
			os.Exit(10)
		}
	}()
	_, _, _, _ = jsonparser.Get([]byte(`[1, 2]`), "[")
}
