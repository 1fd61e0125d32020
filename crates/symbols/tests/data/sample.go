// Ours, to show which symbol each place is in: what stands behind the at sign.
package shelf

var limit = 3 // @

type Shelf[T any] struct {
	items []T // @ Shelf
}

func New[T any]() *Shelf[T] { // @ New
	return &Shelf[T]{} // @ New
}

func (s *Shelf[T]) Take(at int) T {
	twice := func(n int) int {
		return n * 2 // @ Shelf.Take.twice
	}
	go func() {
		_ = limit // @ Shelf.Take
	}()
	return s.items[twice(at)] // @ Shelf.Take
}

var later = func() int {
	return limit // @ later
}
