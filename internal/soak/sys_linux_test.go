package soak

import "syscall"

// dieWithUs: the kernel kills the process where this one dies without cleanup.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
