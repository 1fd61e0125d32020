// Go programs that end badly: `panics KIND`.
package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

type Header struct{ fields []int }

func (h *Header) Field(at int) int                  { return h.fields[at] }
func parse(at int) int                              { h := &Header{fields: []int{1, 2, 3}}; return h.Field(at) }
func length(h *Header) int                          { return len(h.fields) }
func divide(a, by int) int                          { return a / by }
func cut(text string, to int) string                { return text[:to] }
func first[T any](all []T, at int) T                { return all[at] }
func store(m map[string]int, key string)            { m[key] = 1 }
func deep(n int) int                                { return deep(n+1) + 1 }
func each(all []int, f func(int)) {
	for _, one := range all {
		f(one)
	}
}

var shared int

func add(by int) { shared += by }

func main() {
	n := len(os.Args)
	switch os.Args[1] {
	case "index":
		fmt.Println(parse(n + 3))
	case "nil":
		fmt.Println(length(nil))
	case "divide":
		fmt.Println(divide(1, n-2))
	case "slice":
		fmt.Println(cut("short", n+10))
	case "generic":
		fmt.Println(first([]string{"a"}, n+1))
	case "closure":
		each([]int{1, 2}, func(one int) { fmt.Println(parse(one + 2)) })
	case "map":
		store(nil, "key")
	case "custom":
		panic(fmt.Errorf("decode block %d: %w", n, errors.New("bad checksum")))
	case "stack":
		fmt.Println(deep(n))
	case "deadlock":
		var wait sync.WaitGroup
		wait.Add(1)
		wait.Wait()
	case "race":
		var wait sync.WaitGroup
		wait.Add(1)
		go func() { add(1); wait.Done() }()
		add(2)
		wait.Wait()
	}
}
