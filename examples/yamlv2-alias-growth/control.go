// A few aliases are followed as they should be.
package main

import (
	"os"

	"gopkg.in/yaml.v2"
)

func main() {
	var value map[string][]interface{}
	err := yaml.Unmarshal([]byte("a: &a [x, y]\nb: [*a, *a]\n"), &value)
	if err != nil || len(value["b"]) != 2 {
		os.Exit(3)
	}
}
