package dist

import (
	"encoding/hex"
	"fmt"
)

// Op is the number that heads a control message.
type Op uint8

// The control operations of the OTP distribution protocol. TT is for trace
// token: the operation of the same name with a token, which is ignored.
const (
	OpLink               Op = 1
	OpSend               Op = 2
	OpExit               Op = 3
	OpUnlink             Op = 4
	OpRegSend            Op = 6
	OpGroupLeader        Op = 7
	OpExit2              Op = 8
	OpSendTT             Op = 12
	OpExitTT             Op = 13
	OpRegSendTT          Op = 16
	OpExit2TT            Op = 18
	OpMonitor            Op = 19
	OpDemonitor          Op = 20
	OpMonitorExit        Op = 21
	OpSendSender         Op = 22
	OpSendSenderTT       Op = 23
	OpPayloadExit        Op = 24
	OpPayloadExitTT      Op = 25
	OpPayloadExit2       Op = 26
	OpPayloadExit2TT     Op = 27
	OpPayloadMonitorExit Op = 28
	OpSpawnRequest       Op = 29
	OpSpawnRequestTT     Op = 30
	OpSpawnReply         Op = 31
	OpSpawnReplyTT       Op = 32
	OpAliasSend          Op = 33
	OpAliasSendTT        Op = 34
	OpUnlinkID           Op = 35
	OpUnlinkIDAck        Op = 36
	OpAltactSigSend      Op = 37

	opCount = 38
)

// opRow says how one operation is read.
type opRow struct {
	name    string
	arity   int            // of the control tuple, operation included
	more    bool           // the tuple may have more elements
	token   bool           // a trace token stands last, or before an inline reason
	payload bool           // a term follows the control term
	address func(*inbound) // reads whom a message is for; nil for what is no message
	handle  func(*inbound)
}

// ops has a row for each operation and a function of ops_rows.go for each row,
// or for messages one of address.go.
var ops = [opCount]opRow{
	OpLink:               {name: "LINK", arity: 3, handle: (*inbound).onLink},
	OpSend:               {name: "SEND", arity: 3, payload: true, address: (*inbound).sendAddress, handle: (*inbound).onMessage},
	OpExit:               {name: "EXIT", arity: 4, handle: (*inbound).onExit},
	OpUnlink:             {name: "UNLINK", arity: 3, handle: (*inbound).onUnlink},
	OpRegSend:            {name: "REG_SEND", arity: 4, payload: true, address: (*inbound).regSendAddress, handle: (*inbound).onMessage},
	OpGroupLeader:        {name: "GROUP_LEADER", arity: 3, handle: (*inbound).onGroupLeader},
	OpExit2:              {name: "EXIT2", arity: 4, handle: (*inbound).onExit},
	OpSendTT:             {name: "SEND_TT", arity: 4, token: true, payload: true, address: (*inbound).sendAddress, handle: (*inbound).onMessage},
	OpExitTT:             {name: "EXIT_TT", arity: 5, token: true, handle: (*inbound).onExit},
	OpRegSendTT:          {name: "REG_SEND_TT", arity: 5, token: true, payload: true, address: (*inbound).regSendAddress, handle: (*inbound).onMessage},
	OpExit2TT:            {name: "EXIT2_TT", arity: 5, token: true, handle: (*inbound).onExit},
	OpMonitor:            {name: "MONITOR_P", arity: 4, handle: (*inbound).onMonitor},
	OpDemonitor:          {name: "DEMONITOR_P", arity: 4, handle: (*inbound).onDemonitor},
	OpMonitorExit:        {name: "MONITOR_P_EXIT", arity: 5, handle: (*inbound).onMonitorExit},
	OpSendSender:         {name: "SEND_SENDER", arity: 3, payload: true, address: (*inbound).sendAddress, handle: (*inbound).onMessage},
	OpSendSenderTT:       {name: "SEND_SENDER_TT", arity: 4, token: true, payload: true, address: (*inbound).sendAddress, handle: (*inbound).onMessage},
	OpPayloadExit:        {name: "PAYLOAD_EXIT", arity: 3, payload: true, handle: (*inbound).onExit},
	OpPayloadExitTT:      {name: "PAYLOAD_EXIT_TT", arity: 4, token: true, payload: true, handle: (*inbound).onExit},
	OpPayloadExit2:       {name: "PAYLOAD_EXIT2", arity: 3, payload: true, handle: (*inbound).onExit},
	OpPayloadExit2TT:     {name: "PAYLOAD_EXIT2_TT", arity: 4, token: true, payload: true, handle: (*inbound).onExit},
	OpPayloadMonitorExit: {name: "PAYLOAD_MONITOR_P_EXIT", arity: 4, payload: true, handle: (*inbound).onMonitorExit},
	OpSpawnRequest:       {name: "SPAWN_REQUEST", arity: 6, payload: true, handle: (*inbound).onSpawnRequest},
	OpSpawnRequestTT:     {name: "SPAWN_REQUEST_TT", arity: 7, token: true, payload: true, handle: (*inbound).onSpawnRequest},
	OpSpawnReply:         {name: "SPAWN_REPLY", arity: 5, handle: (*inbound).onSpawnReply},
	OpSpawnReplyTT:       {name: "SPAWN_REPLY_TT", arity: 6, token: true, handle: (*inbound).onSpawnReply},
	OpAliasSend:          {name: "ALIAS_SEND", arity: 3, payload: true, address: (*inbound).aliasAddress, handle: (*inbound).onMessage},
	OpAliasSendTT:        {name: "ALIAS_SEND_TT", arity: 4, token: true, payload: true, address: (*inbound).aliasAddress, handle: (*inbound).onMessage},
	OpUnlinkID:           {name: "UNLINK_ID", arity: 4, handle: (*inbound).onUnlinkID},
	OpUnlinkIDAck:        {name: "UNLINK_ID_ACK", arity: 4, handle: (*inbound).onUnlinkIDAck},
	OpAltactSigSend:      {name: "ALTACT_SIG_SEND", arity: 4, more: true, payload: true, address: (*inbound).altactAddress, handle: (*inbound).onMessage},
}

// String is the operation's name, its number where it has none.
func (o Op) String() string {
	if int(o) < len(ops) && ops[o].name != "" {
		return ops[o].name
	}
	return fmt.Sprintf("operation %d", uint8(o))
}

// ProtocolError is why a link was closed for what the peer sent.
type ProtocolError struct {
	Op   Op     // 0 when the frame did not get that far
	Size int    // of the frame, or of the message put together from fragments
	Head []byte // its first 64 bytes at most
	Err  error
}

// headSize is how much of a bad frame is kept for the log.
const headSize = 64

func (e *ProtocolError) Error() string {
	what := "frame"
	if e.Op != 0 {
		what = e.Op.String()
	}
	return fmt.Sprintf("malformed %s of %d bytes: %v: %s", what, e.Size, e.Err, hex.EncodeToString(e.Head))
}

// Unwrap gives the fault.
func (e *ProtocolError) Unwrap() error { return e.Err }

// protocolError copies the head, since frames alias the read buffer.
func protocolError(op Op, frame []byte, err error) error {
	head := append([]byte(nil), frame[:min(len(frame), headSize)]...)
	return &ProtocolError{Op: op, Size: len(frame), Head: head, Err: err}
}
