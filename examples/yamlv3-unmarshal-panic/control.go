// A good document is read, and another broken one gives an error.
package main

import (
	"os"

	"gopkg.in/yaml.v3"
)

func main() {
	var value map[string][]int
	if yaml.Unmarshal([]byte("a: [1, 2]"), &value) != nil || len(value["a"]) != 2 {
		os.Exit(3)
	}
	if yaml.Unmarshal([]byte("a: [1, 2"), &value) == nil {
		os.Exit(3)
	}
}
