# Completion of liminal for PowerShell 7. What is put in stands in single quotes
# where it has to; nothing here is ever evaluated.
Register-ArgumentCompleter -Native -CommandName liminal -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or ($wordToComplete -eq '' -and $_.Extent.EndOffset -le $cursorPosition) } |
        Select-Object -Skip 1 |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
    $word = $wordToComplete.Trim('"', "'")
    $lines = @(& liminal complete --for=powershell "--word=$word" -- @before 2>$null)
    if ($lines.Count -eq 0 -or $lines[0] -like 'files*') { return } # PowerShell offers paths then
    foreach ($line in ($lines | Select-Object -Skip 1)) {
        $value, $about = $line -split "`t", 2
        if (-not $value -or $value -match '[\u2018-\u201f]') { continue } # quotes to PowerShell
        $text = if ($value -match '^[A-Za-z0-9_./:=-]+$') { $value } else { "'" + $value.Replace("'", "''") + "'" }
        if (-not $about) { $about = $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $about)
    }
}
