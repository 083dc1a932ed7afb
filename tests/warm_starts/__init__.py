"""Starts the project's own programs in tests without importing everything anew each time.

A run of all tests starts some six hundred of them, and half of what each takes is Python's imports. So each
process of tests has one starter, which has imported what they need and does nothing else; what a test starts
is a fork of it. To the test it is a process as any other: its child, killed, waited for and read from through
`subprocess.Popen` or asyncio.

What is started so is said in `programs`. Everything else starts as ever, among it whatever those programs
start themselves, the demo and the platform of the acceptance tests, and what has an environment that an
interpreter reads when it starts. `TIERLINK_TEST_STARTS=cold` starts everything as ever. See ADR 68.
"""
