// Ours, to show which symbol each place is in: what stands behind the at sign.
package org.example;

import java.util.function.IntUnaryOperator; // @

public class Sample<T> {
    private int size = 3; // @ Sample

    public Sample(int size) {
        this.size = size; // @ Sample.Sample
    }

    IntUnaryOperator twice = n -> {
        return n * 2; // @ Sample.twice
    };

    public <U> int take(U at) throws Exception {
        Runnable later = () -> {
            size++; // @ Sample.take.later
        };
        later.run(); // @ Sample.take
        return size;
    }

    static class Slot {
        void open() {
            System.exit(0); // @ Sample.Slot.open
        }
    }

    enum Kind {
        WIDE;

        int width() {
            return 3; // @ Sample.Kind.width
        }
    }
}
