// Package museum holds no code: its tests hold the other tests to their work.
//
// It is a collection of defects, such as were made once or could be made any day:
// each takes away one rule of the node. A row of the table is a file, a text that
// stands in it exactly once, what is to stand there instead, and the tests that
// have to fail then. The tree is never touched: the changed copy lies in a
// temporary directory, and the go command is told of it by -overlay.
//
// Two tests go with the rest of the suite and cost nothing. TestExhibits looks
// each text up, so that a row cannot rot, and sees that the changed file is still
// Go and that the tests are there. TestJudge shows that a defect which nobody
// notices, a change that does not compile and a test that hangs are told apart
// from one that was caught.
//
// TestMuseum builds and runs them all, some five minutes, so it waits for
// LIMINAL_TEST_MUSEUM=1 (just museum). First the tests of each package have to
// pass as the tree is; then, for each row, one of its tests has to fail, within a
// minute, and not because the time is up. LIMINAL_TEST_MUSEUM=REGEXP takes the
// rows that it finds in the name or the file of.
//
// A defect that nobody notices is a test that is missing. A new rule brings its
// row, and so does a bug that was found: the text of the mend is the old text.
package museum
