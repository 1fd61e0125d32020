# Ours, to show which symbol each place is in: what stands behind the at sign.
LIMIT = 3 # @
module Store
  class Shelf
    SIZE = 3 # @ Store::Shelf
    def take(at)
      @items.map do |item|
        item + at # @ Store::Shelf#take
      end
    end
    def self.open(name)
      eval(name) # @ Store::Shelf.open
    end
    class << self
      def shut
        exit # @ Store::Shelf.shut
      end
    end
    define_method(:later) do
      LIMIT # @ Store::Shelf::later
    end
    TWICE = ->(n) do
      n * 2 # @ Store::Shelf::TWICE
    end
  end
end
def outer(a)
  a.to_s # @ outer
end
