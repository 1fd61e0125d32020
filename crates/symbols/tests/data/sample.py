# Ours, to show which symbol each place is in: what stands behind the at sign.
import sys
LIMIT = int(sys.argv[1])  # @
def outer(a):  # @ outer
    def inner(b):
        return b + a  # @ outer.inner
    twice = lambda c: c * 2  # @ outer.twice
    return inner(twice(a))  # @ outer
class Shelf:
    """Things in order."""
    size = 3  # @ Shelf
    @property
    def full(self):
        return self.size > LIMIT  # @ Shelf.full
    class Slot:
        async def take(self):
            return await self.item  # @ Shelf.Slot.take
if __name__ == "__main__":
    outer(1)  # @
