// Ours, to show which symbol each place is in: what stands behind the at sign.
using System; // @
namespace Store
{
    public class Shelf<T>
    {
        private int size = 3; // @ Store.Shelf
        public Shelf(int size)
        {
            this.size = size; // @ Store.Shelf.Shelf
        }
        public int Size
        {
            get { return size; } // @ Store.Shelf.Size
        }
        public T Take(int at)
        {
            int Twice(int n)
            {
                return n * 2; // @ Store.Shelf.Take.Twice
            }
            Func<int, int> later = n =>
            {
                return n + size; // @ Store.Shelf.Take.later
            };
            return default; // @ Store.Shelf.Take
        }
    }
    struct Slot
    {
        public static Slot operator +(Slot a, Slot b)
        {
            return a; // @ Store.Slot.operator+
        }
    }
}
