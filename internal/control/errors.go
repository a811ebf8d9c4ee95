package control

import (
	"errors"
	"fmt"
	"net/http"
	"os"
)

// Codes of errors that this package makes. The others come from the Backend.
const (
	CodeUsage       = "usage"           // a request that no server would take
	CodeUnknownCall = "unknown_call"    // no such path
	CodeMethod      = "method"          // the path is there, the method is not
	CodeSize        = "request_size"    // body over the limit
	CodeBusy        = "busy"            // too many requests at once
	CodeStopping    = "stopping"        // the node is on its way out
	CodeVersion     = "control_version" // the numbers of the calls differ
	CodeUnknownPeer = "unknown_peer"    // a named peer is not listed
	CodeInternal    = "internal"        // a bug

	CodeMessageSize  = "message_size"  // a message over the limit
	CodeMessageEmpty = "message_empty" // a message without a byte, or no message
)

// Exit codes of the errors made here.
const (
	exitNo          = 1
	exitUsage       = 64
	exitData        = 65
	exitUnavailable = 69
	exitBug         = 70
	exitTaken       = 73
	exitProtocol    = 76
	exitDenied      = 77
	exitTimeout     = 124
)

// codeStatus and exitStatus give an error its HTTP status: by code, else by exit.
var codeStatus = map[string]int{
	CodeUnknownCall: http.StatusNotFound,
	CodeMethod:      http.StatusMethodNotAllowed,
	CodeSize:        http.StatusRequestEntityTooLarge,
	CodeVersion:     http.StatusBadRequest,
	CodeUnknownPeer: http.StatusNotFound,
}

var exitStatus = map[int]int{
	exitNo:          http.StatusConflict,
	exitUsage:       http.StatusBadRequest,
	exitData:        http.StatusUnprocessableEntity,
	exitUnavailable: http.StatusServiceUnavailable,
	exitTaken:       http.StatusConflict,
	exitProtocol:    http.StatusConflict,
	exitDenied:      http.StatusForbidden,
	exitTimeout:     http.StatusGatewayTimeout,
}

func statusOf(e *Error) int {
	if s, ok := codeStatus[e.Code]; ok {
		return s
	}
	if s, ok := exitStatus[e.Exit]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// asError gives the *Error in err. Without one it is a bug: the Backend has
// codes for everything that is not.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: err.Error(), Why: "this is a bug in liminal", Exit: exitBug}
}

func usage(why, format string, args ...any) *Error {
	return &Error{
		Code: CodeUsage, Message: fmt.Sprintf(format, args...), Why: why,
		Try: "liminal help output", Exit: exitUsage,
	}
}

// versionError is made by the server, which knows the process to stop.
func versionError(client string) *Error {
	return &Error{
		Code:    CodeVersion,
		Message: fmt.Sprintf("this command speaks control calls %q and the running node %d", client, Version),
		Why:     "their control calls differ",
		Try:     fmt.Sprintf("kill %d (says goodbye), then liminal node start", os.Getpid()),
		Exit:    exitProtocol,
	}
}

func busyError() *Error {
	return &Error{
		Code: CodeBusy, Message: fmt.Sprintf("%d requests are being served already", maxRequests),
		Why: "the node takes no more at once", Try: "end a stream, or try again", Exit: exitUnavailable,
	}
}

func stoppingError() *Error {
	return &Error{
		Code: CodeStopping, Message: "the node is stopping",
		Why: "it was told to", Try: "liminal node start", Exit: exitUnavailable,
	}
}
